-- The highest of these numbers that a deadline of this kind has in this incident; the one below them before the first.
SELECT coalesce(max(number), %(first)s - 1) AS number FROM deadlines
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number BETWEEN %(first)s AND %(last)s
