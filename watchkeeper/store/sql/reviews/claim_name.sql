-- A post-mortem's name among the team's documents, unless it has one or another has that; no row in the latter case.
UPDATE reviews SET file_name = coalesce(file_name, %(name)s)
 WHERE incident_id = %(incident_id)s
   AND NOT EXISTS (SELECT FROM reviews other
                    WHERE other.file_name = %(name)s AND other.incident_id <> %(incident_id)s)
RETURNING file_name
