-- What was sent, in its order; one person's messages of one kind and time together.
SELECT sent_at, recipient, purpose, channel FROM notifications
 WHERE sent_at IS NOT NULL ORDER BY sent_at, priority, recipient, purpose, id
