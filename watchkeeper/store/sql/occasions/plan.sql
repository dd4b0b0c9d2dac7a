-- When this kind is due next, if that is news. What is pending and still to come moves there; what was missed stays, to be done.
INSERT INTO occasions (kind, due_at)
SELECT %(kind)s, %(due_at)s
 WHERE NOT EXISTS (SELECT FROM occasions WHERE kind = %(kind)s AND done_at IS NOT NULL AND due_at >= %(due_at)s)
ON CONFLICT (kind) WHERE done_at IS NULL
   DO UPDATE SET due_at = EXCLUDED.due_at WHERE occasions.due_at > %(now)s AND occasions.due_at <> EXCLUDED.due_at
RETURNING due_at
