-- The newest proof that has ended, one way or the other, and when a page was last answered.
SELECT p.*, (SELECT max(acknowledged_at) FROM proofs) AS proven_at
  FROM proofs p WHERE p.acknowledged_at IS NOT NULL OR p.error IS NOT NULL
 ORDER BY p.id DESC LIMIT 1
