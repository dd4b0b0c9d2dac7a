-- The post-mortem is shared with the team.
UPDATE reviews SET published_at = %(now)s, published_by = %(person)s, published_to = %(where)s
 WHERE incident_id = %(incident_id)s AND published_at IS NULL
RETURNING *
