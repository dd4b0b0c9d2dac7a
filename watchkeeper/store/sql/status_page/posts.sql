-- Every post about an incident that is open, or that ended since a time, oldest first.
SELECT p.id, p.incident_id, p.at, p.status, p.title, p.body, i.severity, i.service, i.started_at, i.resolved_at
  FROM status_posts p JOIN incidents i ON i.id = p.incident_id
 WHERE i.resolved_at IS NULL OR i.resolved_at >= %(since)s
 ORDER BY p.incident_id, p.id
