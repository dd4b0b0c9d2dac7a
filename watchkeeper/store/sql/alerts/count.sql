-- How many alerts an incident gathered.
SELECT count(*) AS alerts FROM alerts WHERE incident_id = %(incident_id)s
