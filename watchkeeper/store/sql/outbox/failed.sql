-- It cannot go this way; no row when that was known already.
UPDATE notifications SET state = 'failed', error = %(error)s, lease_until = NULL
 WHERE id = %(id)s AND state <> 'failed' AND state <> 'delivered'
RETURNING *
