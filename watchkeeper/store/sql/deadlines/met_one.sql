-- What was promised happened in time; no row when it had passed.
UPDATE deadlines SET state = 'met', met_at = %(now)s
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s AND state = 'pending'
RETURNING *
