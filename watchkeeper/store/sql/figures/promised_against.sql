-- What was promised after incidents of this cause and is not done, what is due first at the front; looks at no more than
-- fifty of them: the first page waits for it.
SELECT a.incident_id, a.number, a.due_at
  FROM (SELECT id, cause_confidence FROM incidents
         WHERE cause = %(cause)s AND id < %(incident_id)s
         ORDER BY id DESC LIMIT 50) AS same
  JOIN action_items a ON a.incident_id = same.id
 WHERE a.state = 'open' AND same.cause_confidence >= %(sure)s
 ORDER BY a.due_at, a.incident_id, a.number
