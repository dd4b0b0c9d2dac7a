-- One mailing.
SELECT * FROM mailings WHERE id = %(id)s
