-- What is due by the calendar, oldest first.
SELECT kind, due_at FROM occasions
 WHERE done_at IS NULL AND due_at <= %(now)s AND kind = ANY(%(kinds)s)
   AND NOT EXISTS (SELECT FROM set_aside s
                    WHERE s.work = 'occasion' AND s.key = kind AND s.try_at > %(now)s)
 ORDER BY due_at, kind
