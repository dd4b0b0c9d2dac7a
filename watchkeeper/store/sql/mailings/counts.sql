-- How far a mailing has come.
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'sent') AS sent,
       count(*) FILTER (WHERE state IN ('claimed', 'doubtful')) AS doubtful,
       count(*) FILTER (WHERE state = 'bounced') AS bounced,
       count(*) FILTER (WHERE state = 'refused') AS refused
  FROM mailing_addresses WHERE mailing_id = %(id)s
