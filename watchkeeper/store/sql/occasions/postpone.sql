-- It failed: again later.
UPDATE occasions SET try_at = %(try_at)s, error = %(error)s
 WHERE kind = %(kind)s AND due_at = %(due_at)s AND done_at IS NULL
