-- An incident's action items, in the order of its document.
SELECT * FROM action_items WHERE incident_id = %(incident_id)s ORDER BY number
