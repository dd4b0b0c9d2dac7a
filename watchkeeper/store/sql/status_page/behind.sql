-- Open incidents whose newest post, made before a time, says another status than they have by now.
SELECT i.*, newest.id AS newest_post
  FROM incidents i
  JOIN LATERAL (SELECT id, status, at FROM status_posts p
                 WHERE p.incident_id = i.id ORDER BY id DESC LIMIT 1) newest ON true
 WHERE i.status NOT IN ('resolved', 'reviewed') AND newest.at <= %(before)s
   AND newest.status <> CASE WHEN i.status IN ('identified', 'monitoring') THEN i.status ELSE 'investigating' END
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'status page' AND s.key = i.id::text AND s.try_at > %(now)s)
 ORDER BY i.id
