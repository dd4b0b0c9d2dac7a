-- One promised update.
SELECT * FROM promises WHERE id = %(id)s
