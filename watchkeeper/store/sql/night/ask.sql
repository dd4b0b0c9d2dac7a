-- A person is asked for a signature; it counts only once they have given it.
INSERT INTO night_signatures (person, cause, terms, asked_by, asked_at, sign_by, ends_at)
VALUES (%(person)s, %(cause)s, %(terms)s, %(asked_by)s, %(now)s, %(sign_by)s, %(ends_at)s)
RETURNING *
