-- The open incidents that a person was told of, oldest first. Who is only asked to wake somebody has no say in them.
SELECT i.* FROM incidents i
 WHERE i.status NOT IN ('resolved', 'reviewed')
   AND EXISTS (SELECT FROM notifications n
                WHERE n.incident_id = i.id AND n.recipient = %(person)s AND n.key NOT LIKE '%%:contact:%%')
 ORDER BY i.id
