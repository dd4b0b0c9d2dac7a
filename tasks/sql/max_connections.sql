-- How many connections the server takes at most.
SELECT setting::integer AS max_connections FROM pg_settings WHERE name = 'max_connections'
