-- A customer complained; the same words twice are one complaint.
INSERT INTO complaints (incident_id, at, noted_by, words)
VALUES (%(incident_id)s, %(now)s, %(noted_by)s, %(words)s)
ON CONFLICT (incident_id, words) DO NOTHING
RETURNING *
