-- One deadline that has passed unmet, locked so that exactly one process deals with it.
SELECT * FROM deadlines
 WHERE state = 'pending' AND due_at <= %(now)s
 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
