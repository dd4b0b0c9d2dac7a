-- What a finished step gave.
SELECT at, result FROM steps
 WHERE incident_id = %(incident_id)s AND round = %(round)s AND name = %(name)s
