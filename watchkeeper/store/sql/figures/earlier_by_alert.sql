-- The last incident before this one with the same alert and a cause that was found; looks at no more than fifty.
SELECT i.id, i.cause
  FROM (SELECT incident_id FROM past_fingerprints
         WHERE fingerprint = %(fingerprint)s AND incident_id < %(incident_id)s
         ORDER BY incident_id DESC LIMIT 50) AS p
  JOIN incidents i ON i.id = p.incident_id
 WHERE i.detected_at >= %(since)s AND i.cause IS NOT NULL AND i.cause_confidence >= %(sure)s
 ORDER BY i.id DESC LIMIT 1
