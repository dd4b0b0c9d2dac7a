-- One admission at a time may open an incident; attaching to a known fingerprint needs no lock.
SELECT pg_advisory_xact_lock(5711)
