-- Somebody answered: pages that have not left need not.
UPDATE notifications SET state = 'cancelled'
 WHERE incident_id = %(incident_id)s AND state = 'pending'
   AND purpose IN ('page', 'ticket', 'escalation', 'comeback', 'contact')
