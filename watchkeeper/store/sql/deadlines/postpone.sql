-- Later than was said, if it is still to come.
UPDATE deadlines SET due_at = %(due_at)s
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s AND state = 'pending'
RETURNING *
