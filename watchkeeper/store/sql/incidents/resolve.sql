-- Close an incident, unless an alert fired after the last look that proved it healthy, one is flapping, or one still
-- fires whose sender says when it is over.
UPDATE incidents
   SET status = 'resolved', resolved_at = %(now)s, recovered_at = %(recovered_at)s, proved = true,
       waiting_for = NULL, lease_holder = NULL, lease_until = NULL
 WHERE id = %(id)s AND status = 'monitoring'
   AND NOT EXISTS (SELECT FROM alerts
                    WHERE incident_id = %(id)s AND firing AND received_at > %(healthy_at)s)
   AND NOT EXISTS (SELECT FROM open_fingerprints
                    WHERE incident_id = %(id)s
                      AND (flapping_until > %(now)s OR firing AND source <> ALL(%(proved_by_probes)s)))
RETURNING *
