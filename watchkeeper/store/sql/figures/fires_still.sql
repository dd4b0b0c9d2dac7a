-- Whether any alert of an incident still fires.
SELECT EXISTS (SELECT FROM open_fingerprints WHERE incident_id = %(incident_id)s AND firing) AS fires
