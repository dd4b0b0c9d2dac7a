-- What a link will allow.
INSERT INTO links (purpose, incident_id, person, remediation_id, plan_digest, about, expires_at)
VALUES (%(purpose)s, %(incident_id)s, %(person)s, %(remediation_id)s, %(plan_digest)s, %(about)s, %(expires_at)s)
RETURNING id
