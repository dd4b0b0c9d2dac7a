-- What was promised after incidents of this cause and is not done, what is due first at the front.
SELECT a.incident_id, a.number, a.due_at
  FROM action_items a JOIN incidents i ON i.id = a.incident_id
 WHERE a.state = 'open' AND i.cause = %(cause)s AND i.cause_confidence >= %(sure)s AND i.id < %(incident_id)s
 ORDER BY a.due_at, a.incident_id, a.number
