-- Who was reached about the start of an incident, and how.
SELECT DISTINCT recipient, channel FROM notifications
 WHERE incident_id = %(incident_id)s AND state IN ('sent', 'delivered')
   AND purpose IN ('page', 'ticket', 'escalation', 'announcement')
