-- Incidents in a person's hands whose alerts have all ended, the last of them since the hand-over, and do not flap.
SELECT i.* FROM incidents i
 WHERE i.waiting_for = 'person' AND i.status NOT IN ('resolved', 'reviewed')
   AND EXISTS (SELECT FROM alerts a
                WHERE a.incident_id = i.id AND NOT a.firing AND a.received_at > i.handed_over_at)
   AND NOT EXISTS (SELECT FROM open_fingerprints f
                    WHERE f.incident_id = i.id AND (f.firing OR f.flapping_until > %(now)s))
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'quiet incident' AND s.key = i.id::text AND s.try_at > %(now)s)
