-- A batch is claimed before it is sent.
INSERT INTO mailing_batches (mailing_id, claimed_at, lease_until)
VALUES (%(mailing_id)s, %(now)s, %(lease_until)s)
RETURNING *
