-- The same of those with one cause, among its last two hundred.
SELECT extract(epoch FROM resolved_at - detected_at)::double precision AS seconds
  FROM (SELECT id, kind, severity, resolved_at, detected_at FROM incidents
         WHERE cause = %(cause)s AND id < %(id)s
         ORDER BY id DESC LIMIT 200) AS same
 WHERE kind = %(kind)s AND severity = %(severity)s AND resolved_at IS NOT NULL
 ORDER BY id DESC LIMIT 50
