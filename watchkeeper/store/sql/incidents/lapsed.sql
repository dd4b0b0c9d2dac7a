-- Responses whose lease ran out although Prefect was asked for them and nobody is being waited for.
SELECT i.* FROM incidents i
 WHERE i.status NOT IN ('resolved', 'reviewed') AND i.waiting_for IS NULL AND i.lease_until < %(now)s
   AND NOT EXISTS (SELECT FROM motor_jobs m
                    WHERE m.incident_id = i.id AND m.verb IN ('start', 'resume') AND m.state = 'pending')
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'lapsed response' AND s.key = i.id::text AND s.try_at > %(now)s)
