-- Every incident whose page waited in a night, with what became of it.
SELECT h.incident_id, h.person, h.cures, h.held_at, h.woken_at, h.woken_because,
       i.severity, i.summary, i.cause, i.status, i.acknowledged_by, i.resolved_at
  FROM night_holds h JOIN incidents i ON i.id = h.incident_id
 WHERE h.night = %(night)s ORDER BY h.incident_id
