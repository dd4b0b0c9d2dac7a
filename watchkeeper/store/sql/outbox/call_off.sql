-- Nobody needs it any more, and it was not given to its vendor this time.
UPDATE notifications SET called_off = true, state = 'cancelled', attempts = attempts - 1, lease_until = NULL
 WHERE id = %(id)s AND state = 'sending'
