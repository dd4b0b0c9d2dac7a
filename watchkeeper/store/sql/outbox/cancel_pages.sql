-- Somebody answered: pages that have not left need not, none is sent again whose sender may have died, and none that turns
-- out to be undelivered finds another way.
UPDATE notifications
   SET called_off = true, state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END
 WHERE incident_id = %(incident_id)s AND state IN ('pending', 'sending', 'sent')
   AND purpose IN ('page', 'ticket', 'escalation', 'comeback', 'contact')
