-- How long similar incidents took from detection to resolution, newest first.
SELECT extract(epoch FROM resolved_at - detected_at)::double precision AS seconds
  FROM incidents
 WHERE kind = %(kind)s AND severity = %(severity)s AND resolved_at IS NOT NULL AND id <> %(id)s
 ORDER BY id DESC LIMIT 50
