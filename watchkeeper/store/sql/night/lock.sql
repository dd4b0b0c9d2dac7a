-- The clock of a page that waits, locked before anything else of it, as whoever deals with the clock has it locked.
SELECT number FROM deadlines
 WHERE incident_id = %(incident_id)s AND kind = 'night' AND state = 'pending' ORDER BY number FOR UPDATE
