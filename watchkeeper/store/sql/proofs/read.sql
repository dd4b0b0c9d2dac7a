-- One proof.
SELECT * FROM proofs WHERE id = %(id)s
