-- What customers complained of in an incident, in order.
SELECT * FROM complaints WHERE incident_id = %(incident_id)s ORDER BY at, id
