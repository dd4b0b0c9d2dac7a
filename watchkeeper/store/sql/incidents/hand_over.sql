-- No more attempts: a person takes over.
UPDATE incidents SET waiting_for = 'person', handed_over_at = %(now)s, lease_holder = NULL, lease_until = NULL
 WHERE id = %(id)s AND attempt = %(attempt)s AND status NOT IN ('resolved', 'reviewed')
RETURNING *
