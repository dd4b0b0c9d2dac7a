-- The open incident that a fingerprint belongs to, kept open until this transaction ends.
SELECT f.incident_id, f.firing, f.changes, f.flapping_until, i.severity
  FROM open_fingerprints f JOIN incidents i ON i.id = f.incident_id
 WHERE f.fingerprint = %(fingerprint)s FOR KEY SHARE OF f
