-- Prefect lets the run that waited for an approval go on: from now on it is missed when it does not take the lease.
UPDATE incidents SET waiting_for = NULL, lease_until = %(lease_until)s
 WHERE id = %(id)s AND waiting_for = 'approval' AND flow_run_id = %(flow_run_id)s
