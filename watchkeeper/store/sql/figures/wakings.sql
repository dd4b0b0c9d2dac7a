-- When a page rang at somebody: one row for each page and person, whichever channels it took.
SELECT n.incident_id, n.recipient, min(n.sent_at) AS at
  FROM notifications n
 WHERE n.channel IN ('sms', 'voice') AND n.purpose IN ('page', 'escalation', 'comeback', 'contact', 'handover')
   AND n.state IN ('sent', 'delivered') AND n.recipient !~ '[#@]'
   AND n.sent_at >= %(starts)s AND n.sent_at < %(ends)s
 GROUP BY n.incident_id, n.recipient, left(n.key, length(n.key) - length(n.channel))
 ORDER BY at
