-- How often a person named a code that was not theirs since a time.
SELECT count(*) AS wrong FROM answers
 WHERE person = %(person)s AND outcome = 'wrong_code' AND at > %(since)s
