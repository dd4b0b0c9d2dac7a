-- Who was reached about the start of an incident, and how; an announcement still on its way will have been read first.
SELECT DISTINCT recipient, channel FROM notifications
 WHERE incident_id = %(incident_id)s
   AND ((state IN ('sent', 'delivered') AND purpose IN ('page', 'ticket', 'escalation', 'announcement'))
        OR (state IN ('pending', 'sending') AND purpose = 'announcement'))
