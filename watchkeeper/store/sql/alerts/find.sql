-- One alert by its number, or the newest with a fingerprint.
SELECT * FROM alerts
 WHERE id = %(id)s OR fingerprint = %(fingerprint)s
 ORDER BY id = %(id)s DESC NULLS LAST, id DESC LIMIT 1
