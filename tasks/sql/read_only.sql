-- Whether a session that says nothing else only reads.
SELECT current_setting('default_transaction_read_only') = 'on' AS read_only
