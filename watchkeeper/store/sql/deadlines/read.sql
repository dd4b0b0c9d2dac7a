-- An incident's deadlines, soonest first.
SELECT * FROM deadlines WHERE incident_id = %(incident_id)s ORDER BY due_at, kind, number
