-- One deadline that has passed unmet, locked so that exactly one process deals with it. An incident's own come one after the
-- other, as they fell due, also where several are due at once: what asks anew calls off what asked before it.
SELECT * FROM deadlines d
 WHERE state = 'pending' AND due_at <= %(now)s
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'deadline' AND s.key = d.incident_id || ':' || d.kind || ':' || d.number
                      AND s.try_at > %(now)s)
   AND NOT EXISTS (SELECT FROM deadlines earlier
                    WHERE earlier.incident_id = d.incident_id AND earlier.state = 'pending'
                      AND (earlier.due_at, earlier.kind, earlier.number) < (d.due_at, d.kind, d.number)
                      AND NOT EXISTS (SELECT FROM set_aside s
                                       WHERE s.work = 'deadline' AND s.try_at > %(now)s
                                         AND s.key = earlier.incident_id || ':' || earlier.kind || ':' || earlier.number))
 ORDER BY due_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED
