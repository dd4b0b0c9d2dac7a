-- How many messages one recipient got on one channel since a time, and when the oldest of them went.
SELECT count(*) AS messages, min(sent_at) AS oldest FROM notifications
 WHERE recipient = %(recipient)s AND channel = %(channel)s AND sent_at > %(since)s
