-- Lease requests that are due; what must start or resume a response goes before what only shows things.
-- They are chosen once, before any is changed: a subquery might be asked again for each row, and lease more than its limit.
WITH due AS MATERIALIZED (
    SELECT key FROM motor_jobs j
     WHERE state = 'pending' AND due_at <= %(now)s
       AND (lease_until IS NULL OR lease_until < %(now)s)
       AND NOT EXISTS (SELECT FROM set_aside s
                        WHERE s.work = 'request to Prefect' AND s.key = j.key
                          AND s.try_at > %(now)s)
     ORDER BY verb IN ('start', 'resume') DESC, due_at
     LIMIT %(limit)s
       FOR UPDATE OF j SKIP LOCKED
), claimed AS (
    UPDATE motor_jobs m SET attempts = attempts + 1, lease_until = %(lease_until)s
      FROM due WHERE m.key = due.key
    RETURNING m.*
)
SELECT * FROM claimed ORDER BY verb IN ('start', 'resume') DESC, due_at
