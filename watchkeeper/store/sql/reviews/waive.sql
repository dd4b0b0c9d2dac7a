-- Somebody decides that this post-mortem need not be written.
UPDATE reviews SET waived_at = %(now)s, waived_by = %(person)s, waived_because = %(reason)s
 WHERE incident_id = %(incident_id)s AND published_at IS NULL AND waived_at IS NULL
RETURNING *
