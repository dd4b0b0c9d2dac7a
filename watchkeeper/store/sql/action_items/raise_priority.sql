-- What was promised is needed more than was thought.
UPDATE action_items SET priority = 'high'
 WHERE incident_id = %(incident_id)s AND number = %(number)s AND state = 'open' AND priority <> 'high'
RETURNING *
