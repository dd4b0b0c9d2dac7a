-- An incident's post-mortem, as far as it has come.
SELECT * FROM reviews WHERE incident_id = %(incident_id)s
