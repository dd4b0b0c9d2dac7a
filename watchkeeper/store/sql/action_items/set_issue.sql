-- The issue that mirrors an item; the first one stays.
UPDATE action_items SET issue = %(issue)s, issue_url = %(url)s, issue_lease = NULL
 WHERE incident_id = %(incident_id)s AND number = %(number)s AND issue IS NULL
