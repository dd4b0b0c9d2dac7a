-- A person says that it is over; a run that is still at work loses its lease by it. When it no longer hurt only they know,
-- so that is now, unless a response watches, every probe is green since before, and no alert says otherwise.
UPDATE incidents i
   SET status = 'resolved', resolved_at = %(now)s, waiting_for = NULL, lease_holder = NULL, lease_until = NULL,
       recovered_at = coalesce(
           (SELECT GREATEST(max(probe.green_since),
                            (SELECT max(received_at) FROM alerts WHERE incident_id = i.id AND firing))
              FROM (SELECT min(observed_at) FILTER (WHERE last_bad IS NULL OR observed_at > last_bad) AS green_since
                      FROM (SELECT probe, observed_at,
                                   max(observed_at) FILTER (WHERE NOT ok) OVER (PARTITION BY probe) AS last_bad
                              FROM readings
                             WHERE incident_id = i.id AND observed_at >= i.mitigated_at) AS seen
                     GROUP BY seen.probe) AS probe
             WHERE i.status = 'monitoring' AND i.lease_until > %(now)s
               AND NOT EXISTS (SELECT FROM open_fingerprints WHERE incident_id = i.id AND firing)
            HAVING bool_and(probe.green_since IS NOT NULL)),
           %(now)s)
 WHERE id = %(id)s AND status NOT IN ('resolved', 'reviewed')
RETURNING *
