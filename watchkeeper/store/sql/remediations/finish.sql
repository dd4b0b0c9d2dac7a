-- How it ended, as whoever writes it down knew it: not what another run has claimed meanwhile.
UPDATE remediations SET state = %(new)s, finished_at = %(now)s, outcome = %(outcome)s
 WHERE id = %(id)s AND state = %(expected)s AND claimed_by IS NOT DISTINCT FROM %(claimed_by)s
RETURNING *
