-- Whether somebody was asked about an incident on a channel before.
SELECT EXISTS (SELECT FROM notifications
                WHERE incident_id = %(incident_id)s AND recipient = %(recipient)s AND channel = %(channel)s
                  AND id < %(id)s AND purpose IN ('page', 'escalation')
                  AND state NOT IN ('failed', 'cancelled')) AS told
