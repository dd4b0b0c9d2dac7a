-- One alert by its number, the newest with a fingerprint, or the one that opened an incident.
SELECT * FROM alerts
 WHERE id = coalesce(%(id)s, (SELECT min(id) FROM alerts WHERE incident_id = %(incident_id)s))
    OR fingerprint = %(fingerprint)s
 ORDER BY fingerprint = %(fingerprint)s, id DESC LIMIT 1
