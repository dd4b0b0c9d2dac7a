-- Which of the incidents detected between two moments had the cause of an earlier one.
SELECT r.incident_id, r.earlier_id, r.cause
  FROM repeats r JOIN incidents i ON i.id = r.incident_id
 WHERE r.sign = 'cause' AND i.detected_at >= %(starts)s AND i.detected_at < %(ends)s
 ORDER BY r.incident_id
