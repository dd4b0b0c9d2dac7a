-- A mailing whose addresses are still to be read.
SELECT * FROM mailings m
 WHERE addresses IS NULL AND state IN ('proposed', 'approved') AND due_at <= %(now)s
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'addresses of a mailing' AND s.key = m.id::text AND s.try_at > %(now)s)
 ORDER BY id LIMIT 1
