-- How many messages one recipient got on one channel since a time, with those that are on their way or will be before this
-- one, and when the oldest of them went. A page is never held back, nor is what was let go. A receipt may overtake the
-- vendor's answer.
SELECT count(*) AS messages, coalesce(min(sent_at), %(now)s) AS oldest FROM notifications
 WHERE recipient = %(recipient)s AND channel = %(channel)s AND id <> %(id)s
   AND (sent_at > %(since)s
        OR (sent_at IS NULL AND delivered_at > %(since)s)
        OR (state = 'sending'
            AND (let_go OR purpose = 'page' OR (priority, due_at, id) < (%(priority)s, %(due_at)s, %(id)s))))
