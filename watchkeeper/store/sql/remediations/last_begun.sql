-- The change by this action that was begun last, in whichever incident.
SELECT * FROM remediations WHERE action = %(action)s AND claimed_at IS NOT NULL
 ORDER BY claimed_at DESC, id DESC LIMIT 1
