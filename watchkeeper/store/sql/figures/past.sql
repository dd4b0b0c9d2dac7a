-- The incidents that lasted at any time between two moments, in the order of their detection.
SELECT id, kind, severity, status, service, summary, started_at, detected_at, acknowledged_at, recovered_at,
       resolved_at, cause, cause_confidence
  FROM incidents
 WHERE LEAST(started_at, detected_at) < %(ends)s AND (resolved_at IS NULL OR resolved_at >= %(starts)s)
 ORDER BY detected_at, id
