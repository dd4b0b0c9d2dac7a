-- Somebody has it. Only the first acknowledgement counts.
UPDATE incidents
   SET acknowledged_at = %(now)s, held_since = %(now)s, acknowledged_by = %(person)s,
       status = CASE WHEN status = 'detected' THEN 'acknowledged' ELSE status END
 WHERE id = %(id)s AND acknowledged_at IS NULL
RETURNING *
