-- Prefect is to be asked for something; its key makes asking twice one request. Wakes the dispatcher on commit.
WITH asked AS (
    INSERT INTO motor_jobs (key, incident_id, verb, detail, asked_at, due_at)
    VALUES (%(key)s, %(incident_id)s, %(verb)s, %(detail)s, %(now)s, %(now)s)
    ON CONFLICT (key) DO NOTHING
    RETURNING key
)
SELECT pg_notify('motor', '') FROM asked
