-- Close an incident, unless an alert fired after the last look that proved it healthy, or one is flapping.
UPDATE incidents
   SET status = 'resolved', resolved_at = %(now)s, waiting_for = NULL, lease_holder = NULL, lease_until = NULL
 WHERE id = %(id)s AND status = 'monitoring'
   AND NOT EXISTS (SELECT FROM alerts
                    WHERE incident_id = %(id)s AND firing AND received_at > %(healthy_at)s)
   AND NOT EXISTS (SELECT FROM open_fingerprints
                    WHERE incident_id = %(id)s AND flapping_until > %(now)s)
RETURNING *
