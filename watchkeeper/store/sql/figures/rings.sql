-- Each incident with when it first rang at somebody, and how many pages rang in all.
SELECT i.id, i.severity, i.service, i.summary, i.detected_at,
       min(n.due_at) AS rang_at,
       count(DISTINCT n.recipient || left(n.key, length(n.key) - length(n.channel))) AS pages
  FROM incidents i
  LEFT JOIN notifications n
    ON n.incident_id = i.id AND n.channel IN ('sms', 'voice')
   AND n.purpose IN ('page', 'escalation', 'contact') AND n.recipient !~ '[#@]'
 GROUP BY i.id ORDER BY i.id
