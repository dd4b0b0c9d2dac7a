-- Who is on call has changed: a page that waits for somebody is looked at now. What a person put on hold waits on.
UPDATE deadlines d SET due_at = %(now)s
 WHERE incident_id = %(incident_id)s AND kind = 'page' AND state = 'pending' AND due_at > %(now)s
   AND NOT EXISTS (SELECT FROM deadlines held
                    WHERE held.incident_id = d.incident_id AND held.kind = 'hold' AND held.state = 'pending')
RETURNING *
