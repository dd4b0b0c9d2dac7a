-- What sweeps measured since a time, as far as it is kept.
SELECT probe, service, value, unit, threshold, ok, observed_at, detail
  FROM readings WHERE incident_id IS NULL AND observed_at >= %(since)s
 ORDER BY observed_at, id
