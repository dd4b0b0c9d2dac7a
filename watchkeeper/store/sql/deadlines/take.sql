-- One named deadline, if it is still pending.
SELECT * FROM deadlines
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s AND state = 'pending'
   FOR UPDATE SKIP LOCKED
