-- The causes found, by round, best first.
SELECT round, finding FROM findings
 WHERE incident_id = %(incident_id)s AND (%(round)s::integer IS NULL OR round = %(round)s)
 ORDER BY round, rank
