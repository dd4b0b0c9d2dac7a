-- The first page of an incident waits for a signed cure, once.
INSERT INTO night_holds (incident_id, night, person, cures, held_at, until, latest)
VALUES (%(incident_id)s, %(night)s, %(person)s, %(cures)s, %(now)s, %(until)s, %(latest)s)
ON CONFLICT (incident_id) DO NOTHING
RETURNING *
