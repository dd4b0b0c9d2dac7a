-- One signature, asked for or given.
SELECT * FROM night_signatures WHERE id = %(id)s
