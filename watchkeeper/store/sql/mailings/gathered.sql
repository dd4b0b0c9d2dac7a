-- How many addresses a mailing has, and how many of what was found were none.
UPDATE mailings
   SET addresses = (SELECT count(*) FROM mailing_addresses WHERE mailing_id = %(id)s),
       unusable = %(unusable)s, note = NULL
 WHERE id = %(id)s
RETURNING *
