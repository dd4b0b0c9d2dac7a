-- One alert whose silence has ended, locked so that exactly one process admits it.
SELECT * FROM held_alerts
 WHERE release_at <= %(now)s
 ORDER BY release_at LIMIT 1 FOR UPDATE SKIP LOCKED
