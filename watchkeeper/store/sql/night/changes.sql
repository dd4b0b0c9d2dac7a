-- The changes of a night's budget, with what became of each.
SELECT b.number, b.incident_id, b.taken_at, r.plan->>'summary' AS summary, r.state, r.outcome
  FROM night_budget b
  JOIN remediations r ON r.incident_id = b.incident_id AND r.action = b.action AND r.target = b.target
                     AND r.attempt = b.attempt
 WHERE b.night = %(night)s ORDER BY b.number
