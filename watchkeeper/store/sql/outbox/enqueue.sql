-- Put a message into the outbox; its key makes asking twice one message. Wakes the pager on commit.
WITH added AS (
    INSERT INTO notifications (key, incident_id, purpose, recipient, channel, fallback, message, priority,
                               due_at, created_at)
    VALUES (%(key)s, %(incident_id)s, %(purpose)s, %(recipient)s, %(channel)s, %(fallback)s::text[],
            %(message)s, %(priority)s, %(now)s, %(now)s)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
)
SELECT id, pg_notify('outbox', '') FROM added
