-- The newest incidents, open or not.
SELECT * FROM incidents ORDER BY id DESC LIMIT %(limit)s
