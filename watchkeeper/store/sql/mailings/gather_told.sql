-- The end is for those who were told of the start, and for nobody else.
INSERT INTO mailing_addresses (mailing_id, address)
SELECT over.id, a.address
  FROM mailings over
  JOIN mailings start ON start.incident_id = over.incident_id AND start.purpose = 'detected'
  JOIN mailing_addresses a ON a.mailing_id = start.id AND a.state = 'sent'
 WHERE over.incident_id = %(incident_id)s AND over.purpose = 'resolved'
ON CONFLICT DO NOTHING
