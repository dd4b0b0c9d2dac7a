-- Tell customers something once; no row when that was done.
INSERT INTO status_posts (incident_id, key, at, status, title, body)
VALUES (%(incident_id)s, %(key)s, %(now)s, %(status)s, %(title)s, %(body)s)
ON CONFLICT (incident_id, key) DO NOTHING
RETURNING id
