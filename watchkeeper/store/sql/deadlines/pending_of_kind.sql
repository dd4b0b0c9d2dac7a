-- The incidents that have a deadline of this kind still to come.
SELECT DISTINCT incident_id FROM deadlines WHERE kind = %(kind)s AND state = 'pending' ORDER BY incident_id
