-- Which incident an alert belongs to, and why; what was known of it before stays beside that.
UPDATE alerts
   SET incident_id = %(incident_id)s, decision = %(decision)s, detail = detail || %(detail)s
 WHERE id = %(id)s
