-- Whether any message of this page to this person may still arrive or has arrived.
SELECT count(*) AS messages FROM notifications
 WHERE incident_id = %(incident_id)s AND purpose = %(purpose)s AND recipient = %(recipient)s
   AND state IN ('pending', 'sending', 'sent', 'delivered')
