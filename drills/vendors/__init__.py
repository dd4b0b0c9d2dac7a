"""The vendors' stand-ins: their wire formats on loopback, in one process. They import nothing of ours."""
