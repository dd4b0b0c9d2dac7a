-- Per rule, how often people were woken and what they said of it; the least worth it first.
SELECT i.kind, i.source, i.service, coalesce(opened.judged, 'unknown') AS judged,
       count(*) AS asked,
       count(*) FILTER (WHERE w.worth) AS worth,
       count(*) FILTER (WHERE NOT w.worth) AS not_worth
  FROM worth w
  JOIN incidents i ON i.id = w.incident_id
  LEFT JOIN LATERAL (SELECT a.detail ->> 'judged' AS judged FROM alerts a
                      WHERE a.incident_id = i.id ORDER BY a.id LIMIT 1) AS opened ON true
 WHERE i.detected_at >= %(since)s AND i.detected_at < %(until)s
 GROUP BY i.kind, i.source, i.service, opened.judged
 ORDER BY not_worth DESC, asked DESC, i.kind, i.source, i.service
