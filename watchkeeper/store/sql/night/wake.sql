-- The page waits no longer. Exactly one caller gets the row, and none once somebody has the incident or it is over.
UPDATE night_holds h SET woken_at = %(now)s, woken_because = %(why)s
  FROM incidents i
 WHERE h.incident_id = %(incident_id)s AND i.id = h.incident_id AND h.woken_at IS NULL
   AND i.acknowledged_at IS NULL AND i.status NOT IN ('resolved', 'reviewed')
RETURNING h.*
