-- What could not be done so far. What nobody has tried again for long after its time was done, or is no longer to be done.
WITH gone AS (DELETE FROM set_aside WHERE try_at < %(stale)s)
SELECT * FROM set_aside WHERE try_at >= %(stale)s
