-- A change to production is planned; the same plan twice is one row.
INSERT INTO remediations (incident_id, round, step, attempt, action, target, plan, plan_digest, gate,
                          gate_reason, created_at, expires_at)
VALUES (%(incident_id)s, %(round)s, %(step)s, %(attempt)s, %(action)s, %(target)s, %(plan)s, %(plan_digest)s,
        %(gate)s, %(gate_reason)s, %(now)s, %(expires_at)s)
ON CONFLICT (incident_id, action, target, attempt, step) DO NOTHING
RETURNING *
