-- Whose mail about the start came back has been told of nothing, and is not told of the end.
DELETE FROM mailing_addresses a USING mailings over, mailings start
 WHERE start.id = %(id)s AND start.purpose = 'detected'
   AND over.incident_id = start.incident_id AND over.purpose = 'resolved'
   AND a.mailing_id = over.id AND a.address = %(address)s AND a.state = 'waiting'
