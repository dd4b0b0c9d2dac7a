"""The figures: each measured beside what it is compared to, in one run, on real parts."""
