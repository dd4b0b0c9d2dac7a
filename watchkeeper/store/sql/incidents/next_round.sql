-- The cure did not hold or did not work: investigate again, unless another run already moved on.
UPDATE incidents SET round = round + 1, status = 'investigating'
 WHERE id = %(id)s AND round = %(round)s AND status NOT IN ('resolved', 'reviewed')
RETURNING *
