-- Somebody takes a role for a time, or cannot be reached for one.
INSERT INTO roster_changes (kind, person, starts_at, ends_at, reason, said_by, said_at)
VALUES (%(kind)s, %(person)s, %(starts_at)s, %(ends_at)s, %(reason)s, %(said_by)s, %(now)s)
RETURNING id
