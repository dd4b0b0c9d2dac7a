-- How long the last incidents of a kind and severity took, from detection to resolution.
SELECT extract(epoch FROM resolved_at - detected_at)::double precision AS seconds
  FROM incidents
 WHERE kind = %(kind)s AND severity = %(severity)s AND resolved_at IS NOT NULL AND id < %(id)s
 ORDER BY id DESC LIMIT 50
