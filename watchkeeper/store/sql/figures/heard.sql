-- Every alert since a time, as it was told; what only proved that a page can leave is none.
SELECT id, source, fingerprint, firing, service, kind, summary, started_at, received_at, incident_id,
       detail -> 'said' AS said
  FROM alerts WHERE received_at >= %(since)s AND source <> 'proof'
 ORDER BY received_at, id
