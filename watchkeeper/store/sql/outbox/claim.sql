-- Lease what is due: new messages, and those whose sender died before saying how it went (twice beats never).
-- What was called off while its sender lived or died is not sent again.
-- A thread and a status page are read in order, so there each message waits for the one before it,
-- unless that one cannot be sent: set aside, it keeps no other waiting.
-- They are chosen once, before any is changed: a subquery might be asked again for each row, and lease more than its limit.
WITH due AS MATERIALIZED (
    SELECT n.id FROM notifications n
     WHERE ((n.state = 'pending' AND n.due_at <= %(now)s)
         OR (n.state = 'sending' AND n.lease_until < %(now)s
             AND NOT EXISTS (SELECT FROM set_aside s
                              WHERE s.work = 'message' AND s.key = n.id::text
                                AND s.try_at > %(now)s)))
       AND NOT (n.channel IN ('slack', 'status_page')
                AND EXISTS (SELECT 1 FROM notifications earlier
                             WHERE earlier.incident_id = n.incident_id AND earlier.id < n.id
                               AND earlier.recipient = n.recipient AND earlier.channel = n.channel
                               AND earlier.state IN ('pending', 'sending')
                               AND NOT EXISTS (SELECT FROM set_aside s
                                                WHERE s.work = 'message' AND s.key = earlier.id::text)))
     ORDER BY n.priority, n.due_at, n.id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
)
UPDATE notifications n
   SET state = CASE WHEN called_off THEN 'cancelled' ELSE 'sending' END, attempts = attempts + 1,
       lease_until = %(lease_until)s, let_go = false
  FROM due WHERE n.id = due.id
RETURNING n.*
