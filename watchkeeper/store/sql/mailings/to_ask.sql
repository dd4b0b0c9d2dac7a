-- Doubtful batches; when a person is asked, and asked again, is said by the policy.
SELECT b.*, m.incident_id FROM mailing_batches b JOIN mailings m ON m.id = b.mailing_id
 WHERE b.state = 'doubtful'
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'doubtful batch' AND s.key = b.id::text AND s.try_at > %(now)s)
 ORDER BY b.id
