-- A plan was decided on, or too late to be: what asks for a word on it and has not left need not, nor leaves it again.
UPDATE notifications
   SET called_off = true, state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END
 WHERE incident_id = %(incident_id)s AND state IN ('pending', 'sending') AND starts_with(key, %(prefix)s)
