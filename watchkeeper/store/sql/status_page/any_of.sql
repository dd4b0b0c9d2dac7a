-- Whether customers were told of this incident.
SELECT 1 AS told FROM status_posts WHERE incident_id = %(incident_id)s LIMIT 1
