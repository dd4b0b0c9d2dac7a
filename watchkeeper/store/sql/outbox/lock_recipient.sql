-- One message at a time to one recipient on one channel asks whether it may go: two would not count each other.
SELECT pg_advisory_xact_lock(5713, hashtext(%(recipient)s || ':' || %(channel)s))
