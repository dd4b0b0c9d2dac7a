-- What a person mended is watched from here on: what was seen until now speaks of what was tried then.
UPDATE incidents SET watched_since = %(now)s WHERE id = %(id)s
