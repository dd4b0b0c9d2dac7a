-- When somebody did or said something in an incident last; no row where they never did.
SELECT max(at) AS at FROM timeline WHERE incident_id = %(incident_id)s AND actor = %(actor)s HAVING count(*) > 0
