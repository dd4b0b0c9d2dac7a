-- The newest links of a kind that one person was sent.
SELECT * FROM links WHERE purpose = %(purpose)s AND person = %(person)s ORDER BY id DESC LIMIT %(limit)s
