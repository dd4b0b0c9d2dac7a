-- An address that SendGrid could not deliver to; it has been told nothing.
UPDATE mailing_addresses SET state = 'bounced', note = %(note)s
 WHERE batch_id = %(batch_id)s AND address = %(address)s AND state <> 'bounced'
