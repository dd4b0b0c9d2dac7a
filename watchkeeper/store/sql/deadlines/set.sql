-- Something must happen by a time. Asking twice is one deadline; asking for less time tightens one that is pending.
INSERT INTO deadlines (incident_id, kind, number, due_at)
VALUES (%(incident_id)s, %(kind)s, %(number)s, %(due_at)s)
ON CONFLICT (incident_id, kind, number) DO UPDATE SET due_at = EXCLUDED.due_at
 WHERE deadlines.state = 'pending' AND EXCLUDED.due_at < deadlines.due_at
RETURNING *
