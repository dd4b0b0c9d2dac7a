-- A post-mortem that nobody has settled is due at another time.
UPDATE reviews SET due_at = %(due_at)s
 WHERE incident_id = %(incident_id)s AND published_at IS NULL AND waived_at IS NULL
RETURNING *
