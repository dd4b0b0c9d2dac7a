-- Nothing holds it back: it counts from now on.
UPDATE notifications SET let_go = true WHERE id = %(id)s
