-- It turned out not to repeat one.
DELETE FROM repeats WHERE incident_id = %(incident_id)s AND sign = %(sign)s
