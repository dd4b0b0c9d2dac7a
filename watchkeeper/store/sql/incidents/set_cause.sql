-- What the investigation holds for the cause.
UPDATE incidents SET cause = %(cause)s, cause_confidence = %(confidence)s WHERE id = %(id)s RETURNING *
