-- Somebody was asked about a doubtful batch; no row when somebody was lately.
UPDATE mailing_batches SET asked_at = %(now)s WHERE id = %(id)s AND (asked_at IS NULL OR asked_at <= %(before)s) AND state = 'doubtful'
RETURNING *
