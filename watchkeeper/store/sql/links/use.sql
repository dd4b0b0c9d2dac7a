-- Use a link, once, before it expires.
UPDATE links SET used_at = %(now)s
 WHERE id = %(id)s AND used_at IS NULL AND expires_at > %(now)s
RETURNING *
