-- This kind happens no more.
DELETE FROM occasions WHERE kind = %(kind)s AND done_at IS NULL AND due_at > %(now)s RETURNING flow_run_id
