-- The newest answer of a kind that did something in an incident.
SELECT id, person, at FROM answers
 WHERE incident_id = %(incident_id)s AND verb = %(verb)s AND outcome = 'done'
 ORDER BY id DESC LIMIT 1
