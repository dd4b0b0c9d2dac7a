-- From now on this fingerprint belongs to this incident.
INSERT INTO open_fingerprints (fingerprint, incident_id, firing)
VALUES (%(fingerprint)s, %(incident_id)s, %(firing)s)
ON CONFLICT (fingerprint) DO NOTHING
