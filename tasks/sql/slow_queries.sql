-- Queries that have been running for too long, apart from a backup's.
SELECT pid, usename AS "user", extract(epoch FROM clock_timestamp() - query_start)::double precision AS seconds,
       left(query, 200) AS query
  FROM pg_stat_activity
 WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
   AND datname = current_database() AND query_start < clock_timestamp() - %(longer_than)s
   AND NOT starts_with(application_name, 'pg_dump')
 ORDER BY query_start LIMIT 20
