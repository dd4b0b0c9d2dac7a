-- So much later than was said, for those that are still to come.
UPDATE deadlines SET due_at = due_at + %(by)s
 WHERE incident_id = %(incident_id)s AND kind = ANY(%(kinds)s) AND state = 'pending'
RETURNING *
