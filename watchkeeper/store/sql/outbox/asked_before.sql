-- Whether somebody was asked to act on an incident before this message was written, by whichever channel: what was written
-- with it, for their other channels, is the same page.
SELECT EXISTS (SELECT FROM notifications earlier JOIN notifications own ON own.id = %(id)s
                WHERE earlier.incident_id = own.incident_id AND earlier.recipient = own.recipient
                  AND earlier.created_at < own.created_at AND earlier.purpose IN ('page', 'ticket', 'escalation')
                  AND earlier.state NOT IN ('failed', 'cancelled')) AS asked
