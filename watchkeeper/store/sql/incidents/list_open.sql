-- Every incident that is not resolved, oldest first.
SELECT * FROM incidents WHERE status NOT IN ('resolved', 'reviewed') ORDER BY id
