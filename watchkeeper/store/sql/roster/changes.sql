-- What was said about who is on call, in the order of saying it; what ended two months ago changes nothing any more.
SELECT id, kind, person, starts_at, ends_at, reason, said_by FROM roster_changes
 WHERE withdrawn_at IS NULL AND ends_at > %(now)s::timestamptz - interval '60 days'
 ORDER BY id
