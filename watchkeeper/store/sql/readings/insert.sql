-- What a probe measured.
INSERT INTO readings (incident_id, probe, service, value, unit, threshold, ok, observed_at, detail, unread)
VALUES (%(incident_id)s, %(probe)s, %(service)s, %(value)s, %(unit)s, %(threshold)s, %(ok)s, %(observed_at)s,
        %(detail)s, %(unread)s)
