-- The vendor took it; its receipt may have come first, and what that told stays.
UPDATE notifications
   SET state = CASE WHEN state IN ('delivered', 'failed') THEN state ELSE 'sent' END,
       error = CASE WHEN state = 'failed' THEN error END,
       vendor_id = %(vendor_id)s, thread = %(thread)s, sent_at = %(now)s, lease_until = NULL
 WHERE id = %(id)s
RETURNING *
