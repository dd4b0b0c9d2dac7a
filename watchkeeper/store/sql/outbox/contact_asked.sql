-- How the trusted contact was asked to wake somebody; nobody is called up to hear that they may sleep on.
SELECT DISTINCT recipient, channel FROM notifications
 WHERE incident_id = %(incident_id)s AND purpose = 'contact' AND channel <> 'voice'
   AND state IN ('sending', 'sent', 'delivered')
