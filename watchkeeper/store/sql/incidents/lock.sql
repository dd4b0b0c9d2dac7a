-- Let transactions that touch the same messages go one after the other.
SELECT id FROM incidents WHERE id = %(id)s FOR NO KEY UPDATE
