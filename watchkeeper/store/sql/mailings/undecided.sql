-- Texts about which nobody has decided: not reminded of yet, or asked about so long ago that nobody will.
SELECT * FROM mailings m
 WHERE state = 'proposed' AND (reminded_at IS NULL OR created_at <= %(given_up)s)
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'undecided mailing' AND s.key = m.id::text AND s.try_at > %(now)s)
 ORDER BY id
