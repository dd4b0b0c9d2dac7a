-- Proofs, with their alerts and their pages, are kept for a while only.
WITH alerts_gone AS (DELETE FROM alerts WHERE source = 'proof' AND received_at < %(before)s),
     pages_gone AS (DELETE FROM notifications WHERE purpose = 'proof' AND created_at < %(before)s)
DELETE FROM proofs WHERE started_at < %(before)s
