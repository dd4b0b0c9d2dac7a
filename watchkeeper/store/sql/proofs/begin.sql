-- Begin this period's proof; no row where it has begun: one for each period, however many processes ask.
INSERT INTO proofs (period, started_at)
VALUES (date_bin(%(every)s::interval, %(now)s::timestamptz, TIMESTAMPTZ '2001-01-01 00:00+00'), %(now)s)
ON CONFLICT (period) DO NOTHING
RETURNING id
