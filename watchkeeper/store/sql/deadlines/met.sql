-- What was promised happened, in time or not.
UPDATE deadlines SET state = 'met', met_at = %(now)s
 WHERE incident_id = %(incident_id)s AND kind = ANY(%(kinds)s) AND met_at IS NULL
   AND state IN ('pending', 'missed')
RETURNING *
