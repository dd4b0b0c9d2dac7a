-- What was said of the time to resolution of incidents that ended between two moments, and how long they took.
SELECT e.stage, e.n, e.low50, e.high50, e.low80, e.high80,
       extract(epoch FROM i.resolved_at - i.detected_at)::double precision AS took
  FROM estimates e JOIN incidents i ON i.id = e.incident_id
 WHERE i.resolved_at >= %(starts)s AND i.resolved_at < %(ends)s
 ORDER BY e.incident_id, e.stage
