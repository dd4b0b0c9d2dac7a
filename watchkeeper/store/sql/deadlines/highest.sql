-- The highest number that a deadline of this kind has in this incident; 0 before the first.
SELECT coalesce(max(number), 0) AS number FROM deadlines WHERE incident_id = %(incident_id)s AND kind = %(kind)s
