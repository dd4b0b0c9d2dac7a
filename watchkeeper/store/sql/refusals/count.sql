-- One more request refused at the door.
INSERT INTO refusals (source, reason, last_at) VALUES (%(source)s, %(reason)s, %(now)s)
ON CONFLICT (source, reason) DO UPDATE SET count = refusals.count + 1, last_at = excluded.last_at
