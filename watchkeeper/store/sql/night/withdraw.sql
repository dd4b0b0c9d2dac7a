-- It counts no longer; no row when it never did, or was taken back before.
UPDATE night_signatures SET withdrawn_at = %(now)s, withdrawn_by = %(by)s
 WHERE id = %(id)s AND withdrawn_at IS NULL AND ends_at > %(now)s
RETURNING *
