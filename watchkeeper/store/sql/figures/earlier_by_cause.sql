-- The last incident before this one that had the same cause; looks at no more than fifty.
SELECT id, cause
  FROM (SELECT id, cause, cause_confidence, detected_at FROM incidents
         WHERE cause = %(cause)s AND id < %(incident_id)s
         ORDER BY id DESC LIMIT 50) AS same
 WHERE detected_at >= %(since)s AND cause_confidence >= %(sure)s
 ORDER BY id DESC LIMIT 1
