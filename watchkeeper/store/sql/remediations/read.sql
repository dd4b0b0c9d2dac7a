-- One remediation.
SELECT * FROM remediations WHERE id = %(id)s
