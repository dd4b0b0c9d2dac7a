-- Try it again later.
UPDATE notifications
   SET state = 'pending', due_at = %(due_at)s, lease_until = NULL, error = %(error)s,
       attempts = attempts - %(uncounted)s
 WHERE id = %(id)s AND state = 'sending'
