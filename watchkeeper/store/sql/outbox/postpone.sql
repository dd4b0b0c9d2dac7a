-- Try it again later, unless it was called off meanwhile.
UPDATE notifications
   SET state = CASE WHEN called_off THEN 'cancelled' ELSE 'pending' END, due_at = %(due_at)s, lease_until = NULL, error = %(error)s,
       attempts = attempts - %(uncounted)s
 WHERE id = %(id)s AND state = 'sending'
