-- A person's word on exactly this text, once.
UPDATE mailings SET state = %(state)s, decided_by = %(person)s, decided_at = %(now)s
 WHERE id = %(id)s AND state = 'proposed' AND digest = %(digest)s
RETURNING *
