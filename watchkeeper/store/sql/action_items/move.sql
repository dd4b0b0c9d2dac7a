-- By another day, as long as it is open.
UPDATE action_items SET due_on = %(due_on)s, due_at = %(due_at)s
 WHERE incident_id = %(incident_id)s AND number = %(number)s AND state = 'open'
RETURNING *
