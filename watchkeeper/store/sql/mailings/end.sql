-- What it says is no longer so: nobody else is told, what is on its way settles by itself.
UPDATE mailings SET state = 'ended' WHERE id = %(id)s AND state IN ('proposed', 'approved')
RETURNING *
