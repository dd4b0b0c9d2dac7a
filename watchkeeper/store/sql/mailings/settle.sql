-- What became of a batch; no row when that was known already.
UPDATE mailing_batches SET state = %(state)s, settled_at = %(now)s, settled_by = %(by)s, note = %(note)s
 WHERE id = %(id)s AND state = ANY(%(expected)s)
RETURNING *
