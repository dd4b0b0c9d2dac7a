-- One process at a time makes an open item's issue; the lease of one that died runs out.
UPDATE action_items SET issue_lease = %(until)s
 WHERE incident_id = %(incident_id)s AND number = %(number)s AND state = 'open' AND issue IS NULL
   AND (issue_lease IS NULL OR issue_lease < %(now)s)
RETURNING *
