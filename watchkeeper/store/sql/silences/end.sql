-- End a silence before its time: what it held back is due now.
WITH ended AS (
    UPDATE silences SET ended_at = %(now)s, ended_by = %(person)s
     WHERE id = %(id)s AND ended_at IS NULL AND ends_at > %(now)s
    RETURNING *
), due AS (
    UPDATE held_alerts SET release_at = %(now)s WHERE silence_id IN (SELECT id FROM ended)
)
SELECT * FROM ended
