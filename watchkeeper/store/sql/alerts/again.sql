-- Write down those of many alerts that are known, go on as they were and are no worse than their incident, and tell
-- which were delivered before; no row for any other, nor for a fingerprint that is just being let go of.
WITH told AS MATERIALIZED (
    SELECT *
      FROM jsonb_to_recordset(%(alerts)s) AS told (
           number integer, source text, fingerprint text, delivery_id text, firing boolean, lasts boolean,
           severity text, service text, kind text, summary text, started_at timestamptz, now timestamptz,
           payload jsonb, detail jsonb)
), known AS (
    SELECT f.fingerprint, f.firing, f.incident_id,
           (SELECT severity FROM incidents WHERE id = f.incident_id) AS severity
      FROM open_fingerprints f
     WHERE f.fingerprint = ANY (ARRAY(SELECT fingerprint FROM told))
       FOR KEY SHARE OF f SKIP LOCKED
), going_on AS MATERIALIZED (
    -- Their ids are taken beforehand, so that it can be told which of them were written.
    SELECT nextval('alerts_id_seq') AS id, known.incident_id, told.*
      FROM told JOIN known USING (fingerprint)
     WHERE known.firing = told.lasts AND known.severity <= told.severity
     ORDER BY told.number
), written AS (
    INSERT INTO alerts (id, source, fingerprint, delivery_id, firing, service, kind, summary, started_at,
                        received_at, payload, detail, incident_id, decision)
    OVERRIDING SYSTEM VALUE
    SELECT id, source, fingerprint, delivery_id, firing, service, kind, summary, started_at,
           now, payload, detail, incident_id, 'same_fingerprint'
      FROM going_on
     -- Two such statements that hold the same deliveries wait for each other in one order only.
     ORDER BY source, delivery_id
    ON CONFLICT (source, delivery_id) WHERE delivery_id IS NOT NULL DO NOTHING
    RETURNING id
)
SELECT number, incident_id, 'same_fingerprint' AS reason
  FROM written JOIN going_on USING (id)
UNION ALL
SELECT told.number, earlier.incident_id, 'delivered_before' AS reason
  FROM told CROSS JOIN LATERAL (
       SELECT incident_id FROM alerts a
        WHERE a.source = told.source AND a.delivery_id = told.delivery_id LIMIT 1) AS earlier
