-- People meet over a post-mortem at this time, or not at all; the invitation that says so has the next number.
UPDATE reviews SET meeting_at = %(meeting_at)s, meetings = meetings + 1
 WHERE incident_id = %(incident_id)s
RETURNING *
