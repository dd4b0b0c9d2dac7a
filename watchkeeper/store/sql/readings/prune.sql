-- Readings that belong to no incident are kept for a while only.
DELETE FROM readings WHERE incident_id IS NULL AND observed_at < %(before)s
