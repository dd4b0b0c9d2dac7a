-- Whoever has not answered is asked anew: what was to ask again before and has not left need not.
UPDATE notifications SET state = 'cancelled', error = 'overtaken by a newer one'
 WHERE incident_id = %(incident_id)s AND state = 'pending' AND purpose = 'escalation'
   AND (key LIKE '%%:unanswered:%%' OR key LIKE '%%:call:%%')
