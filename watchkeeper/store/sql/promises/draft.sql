-- What somebody is offered to send in time; the first draft stays.
INSERT INTO promises (incident_id, number, due_at, draft)
VALUES (%(incident_id)s, %(number)s, %(due_at)s, %(draft)s)
ON CONFLICT (incident_id, number) DO UPDATE SET draft = COALESCE(promises.draft, EXCLUDED.draft)
RETURNING *
