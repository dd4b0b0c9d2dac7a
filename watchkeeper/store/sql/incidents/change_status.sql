-- Move an incident from one of the expected statuses to a new one; no row when somebody was faster.
UPDATE incidents
   SET status = %(new)s,
       identified_at = CASE WHEN %(new)s = 'identified' THEN coalesce(identified_at, %(now)s) ELSE identified_at END,
       mitigated_at = CASE WHEN %(new)s = 'monitoring' THEN %(now)s ELSE mitigated_at END
 WHERE id = %(id)s AND status = ANY(%(expected)s)
RETURNING *
