-- Write down an alert; no row when this very delivery is already here.
INSERT INTO alerts (source, fingerprint, delivery_id, firing, service, kind, summary, started_at, received_at,
                    payload, detail)
VALUES (%(source)s, %(fingerprint)s, %(delivery_id)s, %(firing)s, %(service)s, %(kind)s, %(summary)s,
        %(started_at)s, %(now)s, %(payload)s, %(detail)s)
ON CONFLICT (source, delivery_id) WHERE delivery_id IS NOT NULL DO NOTHING
RETURNING id
