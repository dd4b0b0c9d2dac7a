-- The person signs, once, in time, unless it was taken back.
UPDATE night_signatures SET signed_at = %(now)s
 WHERE id = %(id)s AND signed_at IS NULL AND withdrawn_at IS NULL AND sign_by > %(now)s
RETURNING *
