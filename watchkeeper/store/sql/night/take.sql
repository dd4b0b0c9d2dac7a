-- Take one of a night's changes for a plan, the lowest number that is free; asked again, the same. No row when another
-- process took that number at this moment, or when none is left.
WITH mine AS (
    SELECT number FROM night_budget
     WHERE incident_id = %(incident_id)s AND action = %(action)s AND target = %(target)s AND attempt = %(attempt)s
), taken AS (
    INSERT INTO night_budget (night, number, incident_id, action, target, attempt, signature_id, taken_at)
    SELECT %(night)s, free, %(incident_id)s, %(action)s, %(target)s, %(attempt)s, %(signature_id)s, %(now)s
      FROM generate_series(1, %(budget)s) AS free
     WHERE NOT EXISTS (SELECT FROM mine)
       AND NOT EXISTS (SELECT FROM night_budget WHERE night = %(night)s AND number = free)
     ORDER BY free LIMIT 1
    ON CONFLICT DO NOTHING
    RETURNING number
)
SELECT number FROM mine UNION ALL SELECT number FROM taken
