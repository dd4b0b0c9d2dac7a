-- The connections that may be ended: idle for too long, and nobody's that must be kept. Oldest first.
SELECT a.pid, a.backend_start, a.application_name AS application, a.usename AS "user",
       left(a.query, 100) AS query,
       extract(epoch FROM clock_timestamp() - a.state_change)::double precision AS idle_seconds
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.state = 'idle' AND a.state_change < clock_timestamp() - %(idle_longer_than)s
   AND a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
   AND NOT r.rolsuper AND NOT r.rolreplication AND NOT starts_with(r.rolname, 'supabase_')
   AND NOT (a.application_name = ANY(%(keep_applications)s))
 ORDER BY a.state_change LIMIT %(at_most)s
