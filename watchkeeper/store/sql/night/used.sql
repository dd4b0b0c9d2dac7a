-- How much of a night's budget is used.
SELECT count(*) AS used FROM night_budget WHERE night = %(night)s
