-- It is done, or will not be done; whoever says so first is the one who said it.
UPDATE action_items SET state = %(state)s, closed_at = %(now)s, closed_by = %(person)s
 WHERE incident_id = %(incident_id)s AND number = %(number)s AND state = 'open'
RETURNING *
