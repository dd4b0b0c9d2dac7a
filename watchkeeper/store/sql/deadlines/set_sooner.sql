-- What is to come next of a kind is due by a time, or when it was due already if that is sooner. Where nothing of the kind
-- is to come, it is one more.
INSERT INTO deadlines (incident_id, kind, number, due_at)
SELECT %(incident_id)s, %(kind)s,
       coalesce(min(number) FILTER (WHERE state = 'pending'), max(number) + 1, 1), %(due_at)s
  FROM deadlines WHERE incident_id = %(incident_id)s AND kind = %(kind)s
ON CONFLICT (incident_id, kind, number) DO UPDATE SET due_at = EXCLUDED.due_at
 WHERE deadlines.state = 'pending' AND EXCLUDED.due_at < deadlines.due_at
RETURNING *
