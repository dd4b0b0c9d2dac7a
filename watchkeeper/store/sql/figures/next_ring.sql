-- The next clock of an incident that may page, or the next end of a silence, up to a time.
SELECT due_at, incident_id, kind, number
  FROM (SELECT due_at, incident_id, kind, number FROM deadlines
         WHERE state = 'pending' AND kind = ANY(%(kinds)s)
        UNION ALL
        SELECT release_at, NULL, NULL, NULL FROM held_alerts) AS waiting
 WHERE due_at <= %(until)s
 ORDER BY due_at, incident_id, kind, number LIMIT 1
