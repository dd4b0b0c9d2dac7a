-- Silences that hold or are announced, soonest end first.
SELECT * FROM silences WHERE ended_at IS NULL AND ends_at > %(now)s ORDER BY ends_at, id
