-- The page of an incident that is over and woke nobody; no row where none waited, or where it went out.
SELECT * FROM night_holds WHERE incident_id = %(incident_id)s AND woken_at IS NULL
