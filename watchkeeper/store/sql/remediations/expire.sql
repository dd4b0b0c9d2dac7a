-- Nobody decided in time.
UPDATE remediations SET state = 'expired', decided_at = %(now)s
 WHERE incident_id = %(incident_id)s AND state = 'planned' AND gate = 'approval' AND expires_at <= %(now)s
RETURNING *
