-- A post-mortem is due, and its draft is asked for; one that was waived is due again, with a draft of what is known now.
INSERT INTO reviews (incident_id, reasons, due_at, author, asked_at)
VALUES (%(incident_id)s, %(reasons)s::text[], %(due_at)s, %(author)s, %(now)s)
ON CONFLICT (incident_id) DO UPDATE
   SET reasons = EXCLUDED.reasons, due_at = EXCLUDED.due_at, asks = reviews.asks + 1, asked_at = EXCLUDED.asked_at,
       draft = NULL, draft_path = NULL, drafted_at = NULL, waived_at = NULL, waived_by = NULL, waived_because = NULL
 WHERE reviews.waived_at IS NOT NULL AND reviews.published_at IS NULL
RETURNING *
