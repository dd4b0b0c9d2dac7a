-- A fingerprint went quiet, or fires again.
UPDATE open_fingerprints SET firing = %(firing)s WHERE fingerprint = %(fingerprint)s AND firing <> %(firing)s
