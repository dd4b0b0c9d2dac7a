-- How many requests were refused at the door; also the cheapest question that proves the schema is there.
SELECT coalesce(sum(count), 0)::bigint AS refused FROM refusals
