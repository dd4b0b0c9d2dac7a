-- Whether a post about this incident has reached the status page.
SELECT 1 AS told FROM notifications
 WHERE incident_id = %(incident_id)s AND channel = 'status_page' AND state IN ('sent', 'delivered') LIMIT 1
