-- How many messages one recipient got on one channel since a time, with those that are being sent before this one, and
-- when the oldest of them went.
SELECT count(*) AS messages, coalesce(min(sent_at), %(now)s) AS oldest FROM notifications
 WHERE recipient = %(recipient)s AND channel = %(channel)s AND id <> %(id)s
   AND (sent_at > %(since)s
        OR (state = 'sending' AND (priority, due_at, id) < (%(priority)s, %(due_at)s, %(id)s)))
