-- Jobs by status, of those that are open or were touched within the hour, and how long the oldest of each waits.
SELECT status,
       count(*) AS count,
       extract(epoch FROM max(now() - updated_at))::float8 AS oldest_seconds
  FROM jobs
 WHERE status IN ('pending', 'processing') OR updated_at > now() - interval '1 hour'
 GROUP BY status
 ORDER BY status
