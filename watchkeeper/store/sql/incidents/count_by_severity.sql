-- How many incidents were detected in a time, by how bad they were.
SELECT severity, count(*) AS incidents FROM incidents
 WHERE detected_at >= %(since)s AND detected_at < %(until)s
 GROUP BY severity
