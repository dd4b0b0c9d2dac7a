-- The link by which one person decides on one plan.
SELECT * FROM links
 WHERE purpose = 'approve' AND remediation_id = %(remediation_id)s AND person = %(person)s
 ORDER BY id DESC LIMIT 1
