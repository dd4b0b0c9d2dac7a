-- The highest number that an incident's deadlines of a kind have.
SELECT coalesce(max(number), 0) AS number FROM deadlines WHERE incident_id = %(incident_id)s AND kind = %(kind)s
