-- The changes that a night's budget was spent on, with what became of each. One that somebody who was woken decided on is
-- none of them.
SELECT b.number, b.incident_id, b.taken_at, r.plan->>'summary' AS summary, r.state, r.outcome
  FROM night_budget b
  JOIN remediations r ON r.incident_id = b.incident_id AND r.action = b.action AND r.target = b.target
                     AND r.attempt = b.attempt AND r.gate_reason = 'signed_in_advance'
 WHERE b.night = %(night)s ORDER BY b.number
