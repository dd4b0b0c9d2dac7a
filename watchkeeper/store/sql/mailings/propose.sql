-- A text for customers, for a person to approve; no row when this incident has one for this purpose.
INSERT INTO mailings (incident_id, purpose, subject, text, html, digest, created_at, due_at)
VALUES (%(incident_id)s, %(purpose)s, %(subject)s, %(text)s, %(html)s, %(digest)s, %(now)s, %(now)s)
ON CONFLICT (incident_id, purpose) DO NOTHING
RETURNING *
