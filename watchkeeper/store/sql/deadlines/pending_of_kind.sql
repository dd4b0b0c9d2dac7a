-- One deadline of this kind that is still to come, of whichever incident.
SELECT incident_id, number FROM deadlines WHERE kind = %(kind)s AND state = 'pending' LIMIT 1
