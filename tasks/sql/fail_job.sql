-- The guide's own statement, for the one job that was shown and only while it still is what was shown.
UPDATE jobs
   SET status = 'failed', error = 'Manual intervention - stalled job'
 WHERE id = %(id)s
   AND status = 'processing'
   AND updated_at = %(updated_at)s
   AND updated_at < now() - %(stalled_after)s
