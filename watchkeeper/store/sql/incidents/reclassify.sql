-- What an incident is about, or how bad it is, came to light; how bad only ever gets worse here.
UPDATE incidents
   SET kind = %(kind)s, service = %(service)s, summary = %(summary)s, severity = LEAST(severity, %(severity)s)
 WHERE id = %(id)s AND status NOT IN ('resolved', 'reviewed')
RETURNING *
