-- What is due by the calendar, oldest first.
SELECT kind, due_at FROM occasions
 WHERE done_at IS NULL AND due_at <= %(now)s AND (try_at IS NULL OR try_at <= %(now)s) AND kind = ANY(%(kinds)s)
 ORDER BY due_at, kind
