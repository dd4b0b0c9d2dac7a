-- It was done.
UPDATE occasions SET done_at = %(now)s WHERE kind = %(kind)s AND due_at = %(due_at)s
