-- Whoever has it has spoken: what would have called them back need not leave. What asks others for help still does.
UPDATE notifications
   SET called_off = true, state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END
 WHERE incident_id = %(incident_id)s AND state IN ('pending', 'sending', 'sent') AND purpose = 'comeback'
