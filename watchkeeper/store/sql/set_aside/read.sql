-- What could not be done so far, what has waited longest first.
SELECT * FROM set_aside ORDER BY first_at, work, key
