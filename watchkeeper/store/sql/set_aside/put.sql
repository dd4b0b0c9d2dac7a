-- One piece of work could not be done: it waits before it is tried again, twice as long each time, up to a limit.
INSERT INTO set_aside (work, key, error, first_at, last_at, try_at)
VALUES (%(work)s, %(key)s, %(error)s, %(now)s, %(now)s, %(now)s::timestamptz + %(wait)s::interval)
ON CONFLICT (work, key) DO UPDATE
   SET times = set_aside.times + 1, error = EXCLUDED.error, last_at = EXCLUDED.last_at,
       try_at = EXCLUDED.last_at
                + least(%(wait)s::interval * 2 ^ least(set_aside.times, 20), %(at_most)s::interval)
RETURNING *
