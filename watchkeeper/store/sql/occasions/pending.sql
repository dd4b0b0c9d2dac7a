-- The next one of a kind.
SELECT * FROM occasions WHERE kind = %(kind)s AND done_at IS NULL
