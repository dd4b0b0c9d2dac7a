-- One batch.
SELECT * FROM mailing_batches WHERE id = %(id)s
