-- Ask a person whether an incident was worth waking them.
INSERT INTO worth (incident_id, person, link, asked_at)
VALUES (%(incident_id)s, %(person)s, %(link)s, %(now)s)
ON CONFLICT (incident_id, person) DO NOTHING
