-- End one connection, if it still is the one that was shown and the guard still allows it.
SELECT pg_terminate_backend(a.pid, 2000) AS ended
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.pid = %(pid)s AND a.backend_start = %(backend_start)s
   AND a.state = 'idle' AND a.state_change < clock_timestamp() - %(idle_longer_than)s
   AND a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
   AND NOT r.rolsuper AND NOT r.rolreplication AND NOT starts_with(r.rolname, 'supabase_')
   AND NOT (a.application_name = ANY(%(keep_applications)s))
