-- Batches whose sender died before saying how it went.
SELECT * FROM mailing_batches b
 WHERE state = 'claimed' AND lease_until < %(now)s
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'batch of a mailing' AND s.key = b.id::text AND s.try_at > %(now)s)
 ORDER BY id
