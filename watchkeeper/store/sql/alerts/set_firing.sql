-- A fingerprint went quiet, or fires again: when it last changed, and until when it is called flapping for that.
UPDATE open_fingerprints
   SET firing = %(firing)s, changes = %(changes)s, flapping_until = %(flapping_until)s
 WHERE fingerprint = %(fingerprint)s AND firing <> %(firing)s
