-- What was refused at the door, and how often.
SELECT source, reason, count, last_at FROM refusals ORDER BY last_at DESC
