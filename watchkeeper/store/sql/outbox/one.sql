-- One message.
SELECT * FROM notifications WHERE id = %(id)s
