-- No longer needed.
UPDATE deadlines SET state = 'cancelled'
 WHERE incident_id = %(incident_id)s AND kind = ANY(%(kinds)s) AND state = 'pending'
RETURNING *
