-- One possible cause that an investigation ended with.
INSERT INTO findings (incident_id, round, cause, rank, finding)
VALUES (%(incident_id)s, %(round)s, %(cause)s, %(rank)s, %(finding)s)
ON CONFLICT (incident_id, round, cause) DO NOTHING
