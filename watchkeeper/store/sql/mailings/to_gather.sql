-- A mailing whose addresses are still to be read.
SELECT * FROM mailings
 WHERE addresses IS NULL AND state IN ('proposed', 'approved') AND due_at <= %(now)s
 ORDER BY id LIMIT 1
