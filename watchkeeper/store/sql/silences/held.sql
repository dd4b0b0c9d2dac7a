-- What a silence still holds back of this fingerprint.
SELECT * FROM held_alerts WHERE fingerprint = %(fingerprint)s
