-- Doubtful batches about which nobody has been asked.
SELECT b.*, m.incident_id FROM mailing_batches b JOIN mailings m ON m.id = b.mailing_id
 WHERE b.state = 'doubtful' AND b.asked_at IS NULL
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'doubtful batch' AND s.key = b.id::text AND s.try_at > %(now)s)
 ORDER BY b.id
