-- Give the lease back because only a person can go on: an approval, or taking over.
UPDATE incidents
   SET waiting_for = %(waiting_for)s, lease_holder = NULL, lease_until = NULL,
       handed_over_at = CASE %(waiting_for)s WHEN 'person' THEN %(now)s ELSE handed_over_at END
 WHERE id = %(id)s AND lease_holder = %(holder)s
RETURNING *
