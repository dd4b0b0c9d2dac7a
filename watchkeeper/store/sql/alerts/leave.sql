-- The incident is over: its fingerprints may open another.
DELETE FROM open_fingerprints WHERE incident_id = %(incident_id)s
