-- Keep holding it; no row when it was lost.
UPDATE incidents SET lease_until = %(until)s WHERE id = %(id)s AND lease_holder = %(holder)s RETURNING id
