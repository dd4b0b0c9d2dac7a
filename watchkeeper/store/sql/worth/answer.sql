-- What the person says; the first answer counts.
UPDATE worth SET worth = %(worth)s, answered_at = %(now)s
 WHERE incident_id = %(incident_id)s AND person = %(person)s AND answered_at IS NULL
