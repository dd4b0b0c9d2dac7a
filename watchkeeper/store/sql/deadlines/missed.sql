-- It passed unmet and was dealt with.
UPDATE deadlines SET state = 'missed'
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s AND state = 'pending'
