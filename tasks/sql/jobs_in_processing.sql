-- Those of these jobs that are still in processing, whoever works on them, the oldest first.
SELECT id, kind, created_at, updated_at,
       extract(epoch FROM now() - updated_at)::float8 AS seconds
  FROM jobs
 WHERE status = 'processing' AND id::text = ANY(%(ids)s)
 ORDER BY updated_at
