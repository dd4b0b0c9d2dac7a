-- Whoever has it has spoken: what would have called them back need not leave. What asks others for help still does.
UPDATE notifications SET state = 'cancelled'
 WHERE incident_id = %(incident_id)s AND state = 'pending' AND purpose = 'comeback'
