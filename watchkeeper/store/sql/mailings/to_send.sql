-- Approved mailings that still have addresses to be told.
SELECT m.* FROM mailings m
 WHERE m.state = 'approved' AND m.addresses IS NOT NULL AND m.due_at <= %(now)s
   AND EXISTS (SELECT 1 FROM mailing_addresses a WHERE a.mailing_id = m.id AND a.state = 'waiting')
 ORDER BY m.id
