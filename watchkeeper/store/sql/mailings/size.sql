-- How many addresses a batch has taken.
UPDATE mailing_batches SET size = %(size)s WHERE id = %(id)s RETURNING *
