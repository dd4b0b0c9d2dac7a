-- A person decides, once, on exactly the plan that was shown, before it expires.
UPDATE remediations
   SET state = %(new)s, decided_at = %(now)s, approved_by = %(person)s, approval_reason = %(reason)s
 WHERE id = %(id)s AND state = 'planned' AND gate = 'approval' AND plan_digest = %(plan_digest)s
   AND (expires_at IS NULL OR expires_at > %(now)s)
RETURNING *
