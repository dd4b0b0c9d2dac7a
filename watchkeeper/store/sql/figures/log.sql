-- Every incident with its post-mortem, newest first: the rows of the incident log.
SELECT i.id, i.severity, i.summary, i.started_at, i.resolved_at, i.cause, i.cause_confidence,
       r.due_at, r.draft_path, r.published_at, r.published_to, r.waived_at
  FROM incidents i LEFT JOIN reviews r ON r.incident_id = i.id
 ORDER BY i.started_at DESC, i.id DESC
