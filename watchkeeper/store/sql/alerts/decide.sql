-- Which incident an alert belongs to, and why.
UPDATE alerts SET incident_id = %(incident_id)s, decision = %(decision)s WHERE id = %(id)s
