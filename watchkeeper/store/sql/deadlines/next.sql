-- When the next deadline after a moment falls due.
SELECT min(due_at) AS due_at FROM deadlines WHERE state = 'pending' AND due_at > %(after)s
