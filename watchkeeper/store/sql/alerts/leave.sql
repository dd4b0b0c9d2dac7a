-- The incident is over: its fingerprints may open another. Which they were is kept, a person's own aside: none returns.
WITH gone AS (
    DELETE FROM open_fingerprints WHERE incident_id = %(incident_id)s RETURNING fingerprint, incident_id
)
INSERT INTO past_fingerprints (fingerprint, incident_id)
SELECT fingerprint, incident_id FROM gone WHERE NOT starts_with(fingerprint, 'person:')
ON CONFLICT DO NOTHING
