-- When something is due next, of whatever kind.
SELECT due_at FROM (SELECT due_at FROM deadlines WHERE state = 'pending'
                    UNION ALL SELECT release_at FROM held_alerts
                    UNION ALL SELECT due_at FROM notifications WHERE state = 'pending') AS waiting
 WHERE due_at < %(before)s ORDER BY due_at LIMIT 1
