-- Drafts that were asked for and have not come, although Prefect took the request.
UPDATE reviews r SET asks = asks + 1, asked_at = %(now)s
 WHERE r.drafted_at IS NULL AND r.published_at IS NULL AND r.waived_at IS NULL AND r.asked_at < %(before)s
   AND NOT EXISTS (SELECT FROM motor_jobs m
                    WHERE m.incident_id = r.incident_id AND m.verb = 'review' AND m.state = 'pending')
RETURNING *
