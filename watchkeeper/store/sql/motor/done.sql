-- Prefect did it, or it can no longer be done. Wakes the warm worker on commit, where there is a run for it.
WITH done AS (
    UPDATE motor_jobs SET state = %(state)s, error = %(error)s, lease_until = NULL WHERE key = %(key)s
    RETURNING verb
)
SELECT pg_notify('runs', '') FROM done WHERE verb IN ('start', 'resume', 'review')
