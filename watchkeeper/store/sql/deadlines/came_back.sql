-- How often an incident came back to somebody since the last sign of life; no row when it did not.
SELECT count(*) AS times FROM deadlines
 WHERE incident_id = %(incident_id)s AND kind IN ('silence', 'hold') AND state = 'missed' HAVING count(*) > 0
