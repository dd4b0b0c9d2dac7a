-- Somebody was asked about a doubtful batch; no row when somebody was before.
UPDATE mailing_batches SET asked_at = %(now)s WHERE id = %(id)s AND asked_at IS NULL AND state = 'doubtful'
RETURNING *
