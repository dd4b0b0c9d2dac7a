-- Batches whose sender died before saying how it went.
SELECT * FROM mailing_batches WHERE state = 'claimed' AND lease_until < %(now)s ORDER BY id
