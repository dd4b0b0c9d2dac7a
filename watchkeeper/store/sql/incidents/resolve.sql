-- Close an incident, unless an alert fired after the last look that proved it healthy.
UPDATE incidents
   SET status = 'resolved', resolved_at = %(now)s, waiting_for = NULL, lease_holder = NULL, lease_until = NULL
 WHERE id = %(id)s AND status = 'monitoring'
   AND NOT EXISTS (SELECT FROM alerts
                    WHERE incident_id = %(id)s AND firing AND received_at > %(healthy_at)s)
RETURNING *
