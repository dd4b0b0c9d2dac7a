-- An answer that came before under this delivery.
SELECT verb, incident_id, remediation_id, outcome FROM answers
 WHERE way = %(way)s AND delivery_id = %(delivery_id)s
