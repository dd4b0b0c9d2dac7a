-- The next attempt at the response, when the last one let its lease lapse or a person's wait is over.
UPDATE incidents
   SET attempt = attempt + 1, lease_holder = NULL, lease_until = %(lease_until)s, waiting_for = NULL
 WHERE id = %(id)s AND attempt = %(attempt)s AND status NOT IN ('resolved', 'reviewed')
RETURNING *
