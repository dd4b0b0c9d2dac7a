-- Claimed before it happens, by one run, while its incident is open: compare-and-set on the state and on who had it.
-- Maintenance mode must be switched off also when its incident is over. What was signed in advance for the night is
-- begun, or begun again after a run that died, only while its person sleeps.
UPDATE remediations SET state = 'claimed', claimed_at = %(now)s, claimed_by = %(holder)s
 WHERE id = %(id)s AND state = %(expected)s AND plan_digest = %(plan_digest)s
   AND claimed_by IS NOT DISTINCT FROM %(claimed_by)s
   AND (action = 'set_maintenance_mode'
        OR EXISTS (SELECT FROM incidents i WHERE i.id = incident_id AND i.status NOT IN ('resolved', 'reviewed')))
   AND (gate_reason <> 'signed_in_advance'
        OR EXISTS (SELECT FROM night_holds h JOIN incidents i ON i.id = h.incident_id
                    WHERE h.incident_id = remediations.incident_id
                      AND h.woken_at IS NULL AND i.acknowledged_at IS NULL))
RETURNING *
