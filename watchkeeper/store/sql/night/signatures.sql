-- What counts now: signed, not taken back, not over.
SELECT * FROM night_signatures
 WHERE signed_at IS NOT NULL AND withdrawn_at IS NULL AND ends_at > %(now)s ORDER BY id
