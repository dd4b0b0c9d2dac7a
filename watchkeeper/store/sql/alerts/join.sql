-- From now on this fingerprint belongs to this incident.
INSERT INTO open_fingerprints (fingerprint, incident_id, source, firing, changes)
VALUES (%(fingerprint)s, %(incident_id)s, %(source)s, %(firing)s, ARRAY[%(now)s]::timestamptz[])
ON CONFLICT (fingerprint) DO NOTHING
