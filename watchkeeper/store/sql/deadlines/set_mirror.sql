-- The Prefect run that shows this deadline in the UI.
UPDATE deadlines SET flow_run_id = %(flow_run_id)s
 WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND number = %(number)s
