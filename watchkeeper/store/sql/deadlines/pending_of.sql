-- The next deadline of this kind of one incident.
SELECT * FROM deadlines
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND state = 'pending'
 ORDER BY due_at LIMIT 1
