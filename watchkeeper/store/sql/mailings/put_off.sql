-- It goes on later, and why.
UPDATE mailings SET due_at = %(due_at)s, note = %(note)s WHERE id = %(id)s
