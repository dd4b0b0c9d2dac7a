-- Whom a mailing is for; each address once.
INSERT INTO mailing_addresses (mailing_id, address)
SELECT %(id)s, unnest(%(addresses)s::text[])
ON CONFLICT DO NOTHING
