-- Who was reached about an incident while it lasted, and how: by some it was first heard of when their word was wanted.
-- What is being sent, or was once given to the vendor and not answered, may have reached them too. An announcement still on
-- its way will have been read first.
SELECT DISTINCT recipient, channel FROM notifications
 WHERE incident_id = %(incident_id)s
   AND ((purpose IN ('page', 'ticket', 'escalation', 'announcement', 'approval', 'handover', 'comeback')
         AND (state IN ('sending', 'sent', 'delivered') OR (state IN ('pending', 'cancelled') AND attempts > 0)))
        OR (state = 'pending' AND purpose = 'announcement'))
