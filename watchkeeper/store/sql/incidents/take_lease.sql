-- Hold an incident's response. Free, lapsed or already ours; no row when another run holds it.
UPDATE incidents
   SET lease_holder = %(holder)s, lease_until = %(until)s, flow_run_id = %(holder)s, waiting_for = NULL
 WHERE id = %(id)s AND status NOT IN ('resolved', 'reviewed')
   AND (lease_holder IS NULL OR lease_holder = %(holder)s OR lease_until < %(now)s)
   AND attempt = %(attempt)s
RETURNING *
