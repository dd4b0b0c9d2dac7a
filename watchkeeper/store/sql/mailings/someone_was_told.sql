-- Whether a mail of this mailing has reached anybody, or may have.
SELECT 1 AS told FROM mailing_addresses
 WHERE mailing_id = %(id)s AND state IN ('claimed', 'sent', 'doubtful') LIMIT 1
