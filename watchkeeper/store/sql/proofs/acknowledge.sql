-- The test page was answered; no row where it was answered before.
UPDATE proofs SET acknowledged_at = %(now)s WHERE id = %(id)s AND acknowledged_at IS NULL RETURNING id
