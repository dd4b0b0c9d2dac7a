-- Jobs that have been in processing for longer than the stall limit, the oldest first.
SELECT id, kind, created_at, updated_at,
       extract(epoch FROM now() - updated_at)::float8 AS seconds
  FROM jobs
 WHERE status = 'processing' AND updated_at < now() - %(stalled_after)s
 ORDER BY updated_at
 LIMIT %(at_most)s
