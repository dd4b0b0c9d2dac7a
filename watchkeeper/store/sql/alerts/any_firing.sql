-- Whether any alert of an incident still fires, and until when one is called flapping.
SELECT coalesce(bool_or(firing), false) AS firing, max(flapping_until) AS flapping_until
  FROM open_fingerprints WHERE incident_id = %(incident_id)s
