-- It is no longer so; no row when it was never said, or was taken back before.
UPDATE roster_changes SET withdrawn_at = %(now)s WHERE id = %(id)s AND withdrawn_at IS NULL
RETURNING id, kind, person, starts_at, ends_at, reason, said_by
