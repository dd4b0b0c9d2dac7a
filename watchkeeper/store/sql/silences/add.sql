-- Somebody silences what is expected, for a time.
INSERT INTO silences (sort, service, kind, source, fingerprint, starts_at, ends_at, person, reason, created_at)
VALUES (%(sort)s, %(service)s, %(kind)s, %(source)s, %(fingerprint)s, %(starts_at)s, %(ends_at)s, %(person)s,
        %(reason)s, %(now)s)
RETURNING id
