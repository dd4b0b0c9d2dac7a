-- When an alert of this incident last fired.
SELECT max(received_at) AS at FROM alerts WHERE incident_id = %(incident_id)s AND firing
