-- A step is done; the first result stays.
INSERT INTO steps (incident_id, round, name, at, result)
VALUES (%(incident_id)s, %(round)s, %(name)s, %(now)s, %(result)s)
ON CONFLICT (incident_id, round, name) DO NOTHING
