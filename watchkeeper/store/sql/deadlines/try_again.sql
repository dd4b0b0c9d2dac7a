-- It could not be dealt with: it is tried again later, and the others are not kept waiting.
UPDATE deadlines SET due_at = %(due_at)s
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s AND state = 'pending'
