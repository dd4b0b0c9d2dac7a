-- Who was paged first about an incident.
SELECT recipient FROM notifications
 WHERE incident_id = %(incident_id)s AND purpose = 'page' ORDER BY id LIMIT 1
