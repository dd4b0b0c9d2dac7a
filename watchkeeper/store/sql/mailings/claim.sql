-- Take the next addresses into a batch: what was refused once goes in ever smaller portions.
WITH first AS (
    SELECT at_most FROM mailing_addresses
     WHERE mailing_id = %(mailing_id)s AND state = 'waiting'
     ORDER BY at_most NULLS LAST, address LIMIT 1
), picked AS (
    SELECT a.address FROM mailing_addresses a, first
     WHERE a.mailing_id = %(mailing_id)s AND a.state = 'waiting' AND a.at_most IS NOT DISTINCT FROM first.at_most
     ORDER BY a.address
     LIMIT LEAST(%(batch)s, COALESCE((SELECT at_most FROM first), %(batch)s))
       FOR UPDATE OF a SKIP LOCKED
)
UPDATE mailing_addresses SET state = 'claimed', batch_id = %(batch_id)s
 WHERE mailing_id = %(mailing_id)s AND address IN (SELECT address FROM picked)
   AND EXISTS (SELECT 1 FROM mailings WHERE id = %(mailing_id)s AND state = 'approved')
RETURNING address
