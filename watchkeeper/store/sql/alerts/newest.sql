-- The newest alerts, and what was decided about each.
SELECT id, received_at, source, summary, decision, incident_id FROM alerts ORDER BY id DESC LIMIT %(limit)s
