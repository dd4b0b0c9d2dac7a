-- The vendor took it.
UPDATE notifications
   SET state = CASE WHEN state = 'delivered' THEN state ELSE 'sent' END,
       vendor_id = %(vendor_id)s, thread = %(thread)s, sent_at = %(now)s, lease_until = NULL, error = NULL
 WHERE id = %(id)s
RETURNING *
