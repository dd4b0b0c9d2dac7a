-- What bears on whether an incident's post-mortem is required or recommended.
SELECT i.service = %(payments)s
       OR EXISTS (SELECT FROM alerts a
                   WHERE a.incident_id = i.id AND a.firing
                     AND (a.kind = 'payment_failure' OR a.service = %(payments)s))
       OR EXISTS (SELECT FROM findings f WHERE f.incident_id = i.id AND f.cause = ANY(%(payment_causes)s))
       OR EXISTS (SELECT FROM remediations r
                   WHERE r.incident_id = i.id AND r.claimed_at IS NOT NULL
                     AND r.action = ANY(%(payment_actions)s))
       OR EXISTS (SELECT FROM steps s WHERE s.incident_id = i.id AND s.name = %(payments_missed)s) AS touched_payments,
       (SELECT count(*) FROM complaints c WHERE c.incident_id = i.id) AS complaints,
       ARRAY(SELECT DISTINCT a.kind FROM alerts a WHERE a.incident_id = i.id AND a.firing) AS kinds,
       (SELECT count(*) FROM incidents p
         WHERE p.severity = 'P3' AND p.kind = i.kind AND p.service = i.service
           AND p.id <= i.id AND p.detected_at > %(since)s) AS repeats,
       (SELECT count(*) FROM findings f WHERE f.incident_id = i.id) AS causes,
       (SELECT count(*) FROM remediations r
         WHERE r.incident_id = i.id AND r.state IN ('failed', 'unknown')) AS failed_changes,
       (SELECT count(*) FROM deadlines d
         WHERE d.incident_id = i.id AND d.kind = 'acknowledge' AND (d.state = 'missed' OR d.met_at > d.due_at))
       + (SELECT count(*) FROM promises p LEFT JOIN notifications n ON n.key = p.notification_key
           WHERE p.incident_id = i.id AND p.due_at + %(grace)s::interval <= %(now)s
             AND (n.sent_at IS NULL OR n.sent_at > p.due_at + %(grace)s::interval)) AS late
  FROM incidents i WHERE i.id = %(id)s
