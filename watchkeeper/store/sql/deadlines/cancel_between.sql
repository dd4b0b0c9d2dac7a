-- Of one kind, those with these numbers are no longer needed.
UPDATE deadlines SET state = 'cancelled'
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number BETWEEN %(first)s AND %(last)s
   AND state = 'pending'
RETURNING *
