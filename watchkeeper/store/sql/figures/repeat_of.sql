-- What an incident repeats, what was found for certain first.
SELECT r.sign, r.earlier_id, r.cause, i.detected_at
  FROM repeats r JOIN incidents i ON i.id = r.earlier_id
 WHERE r.incident_id = %(incident_id)s
 ORDER BY r.sign = 'cause' DESC LIMIT 1
