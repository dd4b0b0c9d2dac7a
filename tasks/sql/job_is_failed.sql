-- Whether a job was failed by the guide's statement.
SELECT status = 'failed' AND error = 'Manual intervention - stalled job' AS failed
  FROM jobs
 WHERE id = %(id)s
