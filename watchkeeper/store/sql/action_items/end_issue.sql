-- The issue of an item is closed there too.
UPDATE action_items SET issue_ended = %(now)s
 WHERE incident_id = %(incident_id)s AND number = %(number)s AND issue_ended IS NULL
