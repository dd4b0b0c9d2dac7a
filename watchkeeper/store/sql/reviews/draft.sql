-- Keep the first draft; a person's edits are never written over.
UPDATE reviews SET draft = %(draft)s, draft_path = %(draft_path)s, drafted_at = %(now)s
 WHERE incident_id = %(incident_id)s AND drafted_at IS NULL
RETURNING *
