-- No page was answered in time, or nobody outside could be told; why.
UPDATE proofs SET error = %(error)s WHERE id = %(id)s
