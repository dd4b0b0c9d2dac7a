-- How many promised updates fell due in a time, and how many of them reached the team so soon.
SELECT count(*) AS due,
       count(*) FILTER (WHERE n.sent_at <= p.due_at + %(grace)s::interval) AS kept
  FROM promises p LEFT JOIN notifications n ON n.key = p.notification_key
 WHERE p.kept_by IS NOT NULL AND p.due_at >= %(since)s AND p.due_at < %(until)s
