-- An incident's promised updates, and when what kept each of them reached the team.
SELECT p.*, n.sent_at
  FROM promises p LEFT JOIN notifications n ON n.key = p.notification_key
 WHERE p.incident_id = %(incident_id)s
 ORDER BY p.number
