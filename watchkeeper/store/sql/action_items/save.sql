-- Somebody is to do something by a day; said again it is the same item.
INSERT INTO action_items (incident_id, number, action, owner, handle, due_on, due_at, priority, opened_at)
VALUES (%(incident_id)s, %(number)s, %(action)s, %(owner)s, %(handle)s, %(due_on)s, %(due_at)s, %(priority)s,
        %(now)s)
ON CONFLICT (incident_id, number) DO NOTHING
RETURNING *
