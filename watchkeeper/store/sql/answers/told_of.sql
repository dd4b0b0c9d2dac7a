-- The open incidents that a person was told of, oldest first.
SELECT i.* FROM incidents i
 WHERE i.status NOT IN ('resolved', 'reviewed')
   AND EXISTS (SELECT FROM notifications n WHERE n.incident_id = i.id AND n.recipient = %(person)s)
 ORDER BY i.id
