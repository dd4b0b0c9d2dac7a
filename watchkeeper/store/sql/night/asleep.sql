-- The page that still waits, locked: whoever wakes its person and whoever acts in their sleep go one after the other.
SELECT h.* FROM night_holds h JOIN incidents i ON i.id = h.incident_id
 WHERE h.incident_id = %(incident_id)s AND h.woken_at IS NULL
   AND i.acknowledged_at IS NULL AND i.status NOT IN ('resolved', 'reviewed')
   FOR UPDATE OF h
