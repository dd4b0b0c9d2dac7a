-- When the next deadline falls due.
SELECT min(due_at) AS due_at FROM deadlines WHERE state = 'pending' AND due_at > %(now)s
