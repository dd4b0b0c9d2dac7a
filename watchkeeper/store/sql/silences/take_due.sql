-- One alert whose silence has ended, locked so that exactly one process admits it.
SELECT * FROM held_alerts h
 WHERE release_at <= %(now)s
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'held alert' AND s.key = h.fingerprint AND s.try_at > %(now)s)
 ORDER BY release_at LIMIT 1 FOR UPDATE OF h SKIP LOCKED
