-- Open an incident. Its response is expected to take the lease before lease_until.
INSERT INTO incidents (kind, severity, service, summary, source, users_affected_percent, started_at,
                       detected_at, lease_until, policy)
VALUES (%(kind)s, %(severity)s, %(service)s, %(summary)s, %(source)s, %(users_affected_percent)s,
        %(started_at)s, %(now)s, %(lease_until)s, %(policy)s)
RETURNING *
