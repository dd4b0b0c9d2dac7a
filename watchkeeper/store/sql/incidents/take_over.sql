-- Somebody else has it from now on; no row where nobody has it, or this person does. When it was answered first stays.
UPDATE incidents SET acknowledged_by = %(person)s, held_since = %(now)s
 WHERE id = %(id)s AND acknowledged_by <> %(person)s
RETURNING *
