-- It is over, or it has been admitted: nothing need bring it back.
DELETE FROM held_alerts WHERE fingerprint = %(fingerprint)s
