-- One at a time looks whether a mailing has come to its end: two would each miss what the other has not yet committed.
SELECT * FROM mailings WHERE id = %(id)s FOR NO KEY UPDATE
