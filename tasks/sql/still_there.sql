-- Whether a connection that was shown is still there.
SELECT count(*) AS there FROM pg_stat_activity WHERE pid = %(pid)s AND backend_start = %(backend_start)s
