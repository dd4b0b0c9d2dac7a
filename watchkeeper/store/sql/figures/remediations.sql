-- The changes to production that were begun between two moments, by action: how many, carried out, and the last of theirs.
SELECT r.action, count(*) AS begun,
       count(*) FILTER (WHERE r.state = 'done') AS done,
       count(*) FILTER (WHERE r.state = 'done' AND r.round = i.round AND i.resolved_at IS NOT NULL) AS ended
  FROM remediations r JOIN incidents i ON i.id = r.incident_id
 WHERE r.claimed_at >= %(starts)s AND r.claimed_at < %(ends)s
 GROUP BY r.action ORDER BY r.action
