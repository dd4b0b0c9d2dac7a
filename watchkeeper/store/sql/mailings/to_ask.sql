-- Doubtful batches about which nobody has been asked.
SELECT b.*, m.incident_id FROM mailing_batches b JOIN mailings m ON m.id = b.mailing_id
 WHERE b.state = 'doubtful' AND b.asked_at IS NULL ORDER BY b.id
