-- An incident's alerts that nobody has ended, each in its newest words, the last heard first.
SELECT f.fingerprint, f.source, told.service, told.kind, told.summary
  FROM open_fingerprints f
 CROSS JOIN LATERAL (
       SELECT a.service, a.kind, a.summary, a.received_at
         FROM alerts a
        WHERE a.incident_id = f.incident_id AND a.fingerprint = f.fingerprint
        ORDER BY a.received_at DESC LIMIT 1) AS told
 WHERE f.incident_id = %(incident_id)s AND f.firing
 ORDER BY told.received_at DESC
