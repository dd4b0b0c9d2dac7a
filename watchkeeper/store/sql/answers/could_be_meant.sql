-- The incident of a number, if somebody may still mean it: it is open, or ended since a time.
SELECT * FROM incidents
 WHERE id = %(id)s AND (status NOT IN ('resolved', 'reviewed') OR resolved_at > %(ended_since)s)
