-- What was said of an incident's time to resolution; the first word at each stage stays.
INSERT INTO estimates (incident_id, stage, said_at, n, median, low50, high50, low80, high80)
VALUES (%(incident_id)s, %(stage)s, %(now)s, %(n)s, %(median)s, %(low50)s, %(high50)s, %(low80)s, %(high80)s)
ON CONFLICT (incident_id, stage) DO NOTHING
