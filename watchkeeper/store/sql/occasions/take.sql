-- One occasion, if nobody has done it or is doing it.
SELECT kind FROM occasions WHERE kind = %(kind)s AND due_at = %(due_at)s AND done_at IS NULL
   FOR UPDATE SKIP LOCKED
