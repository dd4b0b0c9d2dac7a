-- An incident's mailing for a purpose.
SELECT * FROM mailings WHERE incident_id = %(incident_id)s AND purpose = %(purpose)s
