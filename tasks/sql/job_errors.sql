-- Why jobs that wait were given back, the most frequent reason first.
SELECT left(error, 200) AS error, count(*) AS count
  FROM jobs
 WHERE status IN ('pending', 'processing') AND error IS NOT NULL
 GROUP BY 1
 ORDER BY 2 DESC
 LIMIT 5
