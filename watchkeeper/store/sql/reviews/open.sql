-- A post-mortem is due, and its draft is asked for.
INSERT INTO reviews (incident_id, reasons, due_at, author, asked_at)
VALUES (%(incident_id)s, %(reasons)s::text[], %(due_at)s, %(author)s, %(now)s)
ON CONFLICT (incident_id) DO NOTHING
RETURNING *
