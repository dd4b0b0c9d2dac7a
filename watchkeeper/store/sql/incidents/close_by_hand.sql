-- A person says that it is over; a run that is still at work loses its lease by it.
UPDATE incidents
   SET status = 'resolved', resolved_at = %(now)s, waiting_for = NULL, lease_holder = NULL, lease_until = NULL
 WHERE id = %(id)s AND status NOT IN ('resolved', 'reviewed')
RETURNING *
