-- Items that are closed here while their issue may be open there.
SELECT * FROM action_items WHERE state <> 'open' AND issue IS NOT NULL AND issue_ended IS NULL
 ORDER BY closed_at LIMIT 50
