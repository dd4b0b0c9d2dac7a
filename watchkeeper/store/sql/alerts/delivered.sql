-- What became of a delivery that is already here.
SELECT incident_id FROM alerts WHERE source = %(source)s AND delivery_id = %(delivery_id)s
