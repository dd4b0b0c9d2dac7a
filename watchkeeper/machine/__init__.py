"""What Watchkeeper needs of the machine it runs on: a Postgres, processes that end together, locks, files, signals."""
