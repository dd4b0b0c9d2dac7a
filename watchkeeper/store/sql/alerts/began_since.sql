-- What began to be told of an incident after a moment: the first alert that fires with a fingerprint new to it.
SELECT a.source FROM alerts a
 WHERE a.incident_id = %(incident_id)s AND a.received_at > %(since)s AND a.firing
   AND NOT EXISTS (SELECT FROM alerts earlier
                    WHERE earlier.incident_id = a.incident_id AND earlier.fingerprint = a.fingerprint
                      AND earlier.received_at <= %(since)s)
 ORDER BY a.received_at, a.id LIMIT 1
