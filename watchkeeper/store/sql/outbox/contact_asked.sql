-- How the trusted contact was asked to wake somebody. Nobody is called up to hear that they may sleep on: who was called is
-- written to.
SELECT DISTINCT recipient, CASE channel WHEN 'voice' THEN 'sms' ELSE channel END AS channel FROM notifications
 WHERE incident_id = %(incident_id)s AND purpose = 'contact'
   AND (state IN ('sending', 'sent', 'delivered') OR (state IN ('pending', 'cancelled') AND attempts > 0))
