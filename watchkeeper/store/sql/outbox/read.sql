-- Every message about an incident.
SELECT id, key, incident_id, purpose, recipient, channel, fallback, message, state, attempts, priority, due_at,
       vendor_id, sent_at, delivered_at, error
  FROM notifications WHERE incident_id = %(incident_id)s ORDER BY id
