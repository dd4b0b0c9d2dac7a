-- One action item.
SELECT * FROM action_items WHERE incident_id = %(incident_id)s AND number = %(number)s
