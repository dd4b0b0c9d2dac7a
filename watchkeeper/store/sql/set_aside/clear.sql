-- It could be done after all.
DELETE FROM set_aside WHERE work = %(work)s AND key = %(key)s
