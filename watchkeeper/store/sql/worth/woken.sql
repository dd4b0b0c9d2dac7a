-- Whom a page of this incident reached, and who was not asked about it yet. A channel such as "#incidents" is nobody.
SELECT DISTINCT recipient FROM notifications n
 WHERE n.incident_id = %(incident_id)s AND n.purpose IN ('page', 'escalation', 'comeback', 'handover')
   AND n.state IN ('sent', 'delivered') AND n.recipient !~ '[#@]'
   AND NOT EXISTS (SELECT FROM worth w WHERE w.incident_id = n.incident_id AND w.person = n.recipient)
 ORDER BY recipient
