-- Approved mailings that still have addresses to be told.
SELECT m.* FROM mailings m
 WHERE m.state = 'approved' AND m.addresses IS NOT NULL AND m.due_at <= %(now)s
   AND EXISTS (SELECT 1 FROM mailing_addresses a WHERE a.mailing_id = m.id AND a.state = 'waiting')
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'mailing' AND s.key = m.id::text AND s.try_at > %(now)s)
 ORDER BY m.id
