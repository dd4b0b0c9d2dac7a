-- When the incidents of alerts since a time were acknowledged, and when they ended.
SELECT id, acknowledged_at, acknowledged_by, resolved_at
  FROM incidents
 WHERE id IN (SELECT incident_id FROM alerts WHERE received_at >= %(since)s)
 ORDER BY id
