-- What let it happen holds no longer: it gets another gate, unless it was begun.
UPDATE remediations SET gate = %(gate)s, gate_reason = %(gate_reason)s, expires_at = %(expires_at)s
 WHERE id = %(id)s AND state = 'planned'
RETURNING *
