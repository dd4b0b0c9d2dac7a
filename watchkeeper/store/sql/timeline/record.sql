-- Something happened. A key makes repeating it one entry.
INSERT INTO timeline (incident_id, at, kind, actor, text, detail, key)
VALUES (%(incident_id)s, %(now)s, %(kind)s, %(actor)s, %(text)s, %(detail)s, %(key)s)
ON CONFLICT (incident_id, key) DO NOTHING
