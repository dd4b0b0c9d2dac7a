-- Nothing was left for it.
DELETE FROM mailing_batches WHERE id = %(id)s
