-- What somebody answered and what came of it; a delivery that is repeated adds nothing.
INSERT INTO answers (way, delivery_id, person, verb, incident_id, remediation_id, outcome, at)
VALUES (%(way)s, %(delivery_id)s, %(person)s, %(verb)s, %(incident_id)s, %(remediation_id)s, %(outcome)s, %(now)s)
ON CONFLICT (way, delivery_id) WHERE delivery_id IS NOT NULL DO NOTHING
RETURNING id
