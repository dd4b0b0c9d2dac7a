-- Lease what is due: new messages, and those whose sender died before saying how it went (twice beats never).
-- A thread and a status page are read in order, so there each message waits for the one before it.
UPDATE notifications
   SET state = 'sending', attempts = attempts + 1, lease_until = %(lease_until)s
 WHERE id IN (SELECT n.id FROM notifications n
               WHERE ((n.state = 'pending' AND n.due_at <= %(now)s)
                   OR (n.state = 'sending' AND n.lease_until < %(now)s))
                 AND NOT (n.channel IN ('slack', 'status_page')
                          AND EXISTS (SELECT 1 FROM notifications earlier
                                       WHERE earlier.incident_id = n.incident_id AND earlier.id < n.id
                                         AND earlier.recipient = n.recipient AND earlier.channel = n.channel
                                         AND earlier.state IN ('pending', 'sending')))
               ORDER BY n.priority, n.due_at, n.id
               LIMIT %(limit)s
                 FOR UPDATE SKIP LOCKED)
RETURNING *
