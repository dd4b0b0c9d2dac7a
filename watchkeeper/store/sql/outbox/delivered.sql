-- The vendor's receipt: it reached the phone.
UPDATE notifications SET state = 'delivered', delivered_at = %(now)s
 WHERE id = %(id)s AND state IN ('sending', 'sent')
RETURNING *
