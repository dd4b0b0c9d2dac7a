-- Who was asked about an incident, and what they said.
SELECT person, link, worth FROM worth WHERE incident_id = %(incident_id)s ORDER BY person
