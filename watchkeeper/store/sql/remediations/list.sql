-- Every remediation of an incident, in the order planned.
SELECT * FROM remediations WHERE incident_id = %(incident_id)s ORDER BY round, step, id
