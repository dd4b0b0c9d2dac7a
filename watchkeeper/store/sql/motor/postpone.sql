-- Prefect is away: again later.
UPDATE motor_jobs SET due_at = %(due_at)s, error = %(error)s, lease_until = NULL WHERE key = %(key)s
