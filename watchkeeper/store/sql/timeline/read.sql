-- Everything that happened in an incident, in order.
SELECT id, incident_id, at, kind, actor, text, detail FROM timeline
 WHERE incident_id = %(incident_id)s ORDER BY at, id
