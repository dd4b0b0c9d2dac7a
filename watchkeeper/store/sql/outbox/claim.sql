-- Lease what is due: new messages, and those whose sender died before saying how it went (twice beats never).
UPDATE notifications
   SET state = 'sending', attempts = attempts + 1, lease_until = %(lease_until)s
 WHERE id IN (SELECT id FROM notifications
               WHERE (state = 'pending' AND due_at <= %(now)s)
                  OR (state = 'sending' AND lease_until < %(now)s)
               ORDER BY priority, due_at, id
               LIMIT %(limit)s
                 FOR UPDATE SKIP LOCKED)
RETURNING *
