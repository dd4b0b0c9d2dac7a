-- Hold an alert back: its newest state stays, with when it was held back first.
INSERT INTO held_alerts (fingerprint, alert_id, alert, silence_id, held_by, held_at, release_at)
VALUES (%(fingerprint)s, %(alert_id)s, %(alert)s, %(silence_id)s, %(held_by)s, %(now)s, %(release_at)s)
ON CONFLICT (fingerprint) DO UPDATE
   SET alert_id = EXCLUDED.alert_id, alert = EXCLUDED.alert, silence_id = EXCLUDED.silence_id,
       held_by = EXCLUDED.held_by, release_at = EXCLUDED.release_at
