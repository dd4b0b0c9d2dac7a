-- What a link allows.
SELECT * FROM links WHERE id = %(id)s
