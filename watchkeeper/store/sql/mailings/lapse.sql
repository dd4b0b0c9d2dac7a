-- Nobody has decided in time; no row when somebody has.
UPDATE mailings SET state = 'ended' WHERE id = %(id)s AND state = 'proposed'
RETURNING *
