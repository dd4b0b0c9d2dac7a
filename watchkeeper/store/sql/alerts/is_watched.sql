-- Whether anything waits to hear that this alert is over: an open incident, or a silence that holds it back.
SELECT EXISTS (SELECT FROM open_fingerprints WHERE fingerprint = %(fingerprint)s)
    OR EXISTS (SELECT FROM held_alerts WHERE fingerprint = %(fingerprint)s) AS watched
