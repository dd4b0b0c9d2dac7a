-- The incident is over: what was planned and not begun will not happen.
UPDATE remediations SET state = 'skipped', finished_at = %(now)s, outcome = 'the incident was closed by hand'
 WHERE incident_id = %(incident_id)s AND state IN ('planned', 'approved')
