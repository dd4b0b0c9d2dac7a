-- What one incident's effects have begun and ended, part by part.
SELECT name, result FROM steps
 WHERE incident_id = %(incident_id)s AND round = %(round)s AND starts_with(name, %(prefix)s)
 ORDER BY at, name
