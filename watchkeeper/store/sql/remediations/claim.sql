-- Claimed before it happens, by one run, while its incident is open: compare-and-set on the state and on who had it.
-- Maintenance mode must be switched off also when its incident is over.
UPDATE remediations SET state = 'claimed', claimed_at = %(now)s, claimed_by = %(holder)s
 WHERE id = %(id)s AND state = %(expected)s AND plan_digest = %(plan_digest)s
   AND claimed_by IS NOT DISTINCT FROM %(claimed_by)s
   AND (action = 'set_maintenance_mode'
        OR EXISTS (SELECT FROM incidents i WHERE i.id = incident_id AND i.status NOT IN ('resolved', 'reviewed')))
RETURNING *
