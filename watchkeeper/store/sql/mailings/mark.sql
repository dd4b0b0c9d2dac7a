-- What that means for its addresses; those that SendGrid has reported on by name keep that.
UPDATE mailing_addresses SET state = %(state)s, at_most = COALESCE(%(at_most)s::integer, at_most), note = %(note)s
 WHERE batch_id = %(batch_id)s AND state IN ('claimed', 'doubtful')
