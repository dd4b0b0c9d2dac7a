-- What probes measured during an incident, in order.
SELECT probe, service, value, unit, threshold, ok, observed_at, detail, unread FROM readings
 WHERE incident_id = %(incident_id)s ORDER BY observed_at, id
