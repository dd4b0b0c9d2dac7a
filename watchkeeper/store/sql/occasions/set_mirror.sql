-- The Prefect run that shows it in the UI, unless it is at another time by now; no row then.
UPDATE occasions SET flow_run_id = %(flow_run_id)s WHERE kind = %(kind)s AND due_at = %(due_at)s RETURNING kind
