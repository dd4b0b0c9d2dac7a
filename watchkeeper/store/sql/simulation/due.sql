-- The deadlines that are due, in their order.
SELECT incident_id, kind, number FROM deadlines
 WHERE state = 'pending' AND due_at <= %(now)s ORDER BY due_at, kind, number
