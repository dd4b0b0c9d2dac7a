-- Whether any page of an incident may still arrive or has arrived, whoever it is for.
SELECT count(*) AS messages FROM notifications
 WHERE incident_id = %(incident_id)s AND purpose IN ('page', 'escalation')
   AND state IN ('pending', 'sending', 'sent', 'delivered')
