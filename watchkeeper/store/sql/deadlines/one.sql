-- One deadline.
SELECT * FROM deadlines WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s
