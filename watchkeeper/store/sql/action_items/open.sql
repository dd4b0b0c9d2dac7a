-- What was promised and is not done, of all incidents, what is due first at the front.
SELECT * FROM action_items WHERE state = 'open' ORDER BY due_at, incident_id, number
