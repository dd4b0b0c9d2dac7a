-- It is over: what asked for a decision or for somebody to go on, and has not left, need not. Whether a mail to customers
-- went out is still asked.
UPDATE notifications
   SET called_off = true, state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END
 WHERE incident_id = %(incident_id)s AND state IN ('pending', 'sending')
   AND purpose IN ('approval', 'handover', 'reminder') AND key NOT LIKE '%%:batch:%%'
