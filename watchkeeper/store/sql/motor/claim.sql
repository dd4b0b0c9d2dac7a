-- Lease requests that are due; what must start or resume a response goes before what only shows things.
WITH claimed AS (
    UPDATE motor_jobs SET attempts = attempts + 1, lease_until = %(lease_until)s
     WHERE key IN (SELECT key FROM motor_jobs
                    WHERE state = 'pending' AND due_at <= %(now)s
                      AND (lease_until IS NULL OR lease_until < %(now)s)
                    ORDER BY verb IN ('start', 'resume') DESC, due_at
                    LIMIT %(limit)s
                      FOR UPDATE SKIP LOCKED)
    RETURNING *
)
SELECT * FROM claimed ORDER BY verb IN ('start', 'resume') DESC, due_at
