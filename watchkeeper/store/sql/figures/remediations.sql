-- The changes to production that were begun between two moments, by action: how many, carried out, and those of the last
-- round after which the end was proved: nothing was taken back in that round, and nobody took over since the change. What
-- a person switches by hand takes nothing back.
SELECT r.action, count(*) AS begun,
       count(*) FILTER (WHERE r.state = 'done') AS done,
       count(*) FILTER (WHERE r.state = 'done' AND r.round = i.round AND i.proved
                          AND (i.handed_over_at IS NULL OR i.handed_over_at < r.claimed_at)
                          AND NOT EXISTS (SELECT FROM remediations undo
                                           WHERE undo.incident_id = r.incident_id AND undo.round = r.round
                                             AND undo.step >= %(undo_step)s AND undo.step < %(by_hand_step)s
                                             AND undo.state IN ('done', 'unknown'))) AS ended
  FROM remediations r JOIN incidents i ON i.id = r.incident_id
 WHERE r.claimed_at >= %(starts)s AND r.claimed_at < %(ends)s
 GROUP BY r.action ORDER BY r.action
