-- How many alerts came in with this fingerprint.
SELECT count(*) AS alerts FROM alerts WHERE fingerprint = %(fingerprint)s
