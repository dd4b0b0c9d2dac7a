-- Who holds connections, and since when they do nothing.
SELECT coalesce(application_name, '') AS application, coalesce(usename, '') AS "user",
       coalesce(state, '') AS state, count(*) AS count,
       coalesce(max(extract(epoch FROM clock_timestamp() - state_change))
                FILTER (WHERE state = 'idle'), 0)::double precision AS oldest_idle_seconds,
       count(*) FILTER (WHERE state = 'idle' AND state_change < clock_timestamp() - %(idle_longer_than)s) AS idle_over_limit
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()
 GROUP BY 1, 2, 3
 ORDER BY count(*) DESC
