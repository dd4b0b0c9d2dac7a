-- The heartbeat address was told.
UPDATE proofs SET told_at = %(now)s WHERE id = %(id)s
