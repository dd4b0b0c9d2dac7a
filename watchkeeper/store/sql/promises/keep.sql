-- An update was written for this promise; no row when another was before it.
INSERT INTO promises (incident_id, number, due_at, kept_by, notification_key)
VALUES (%(incident_id)s, %(number)s, %(due_at)s, %(kept_by)s, %(notification_key)s)
ON CONFLICT (incident_id, number) DO UPDATE
   SET kept_by = EXCLUDED.kept_by, notification_key = EXCLUDED.notification_key
 WHERE promises.kept_by IS NULL
RETURNING *
