-- Whoever is on call is asked once more; no row when somebody was, or has decided.
UPDATE mailings SET reminded_at = %(now)s WHERE id = %(id)s AND state = 'proposed' AND reminded_at IS NULL
RETURNING *
