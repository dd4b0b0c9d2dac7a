-- Every silence and maintenance window that held at any time since a time, until it really ended.
SELECT id, sort, service, kind, source, fingerprint, starts_at, LEAST(ends_at, ended_at) AS ends_at, person, reason
  FROM silences
 WHERE LEAST(ends_at, ended_at) > %(since)s AND starts_at < LEAST(ends_at, ended_at)
 ORDER BY id
