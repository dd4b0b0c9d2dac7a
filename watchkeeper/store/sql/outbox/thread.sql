-- The thread that an incident's messages to this recipient belong to.
SELECT thread FROM notifications
 WHERE incident_id = %(incident_id)s AND recipient = %(recipient)s AND channel = %(channel)s
   AND thread IS NOT NULL
 ORDER BY id LIMIT 1
