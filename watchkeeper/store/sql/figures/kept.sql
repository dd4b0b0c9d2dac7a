-- What was to be answered or written by a time between two moments, and how much of it was in time.
SELECT (SELECT count(*) FROM deadlines
         WHERE kind = 'acknowledge' AND number = 1 AND state IN ('met', 'missed')
           AND due_at >= %(starts)s AND due_at < %(ends)s) AS answers_due,
       (SELECT count(*) FROM deadlines
         WHERE kind = 'acknowledge' AND number = 1 AND met_at <= due_at
           AND due_at >= %(starts)s AND due_at < %(ends)s) AS answers_kept,
       (SELECT count(*) FROM reviews
         WHERE waived_at IS NULL AND due_at >= %(starts)s AND due_at < %(ends)s
           AND (due_at <= %(now)s OR published_at IS NOT NULL)) AS reviews_due,
       (SELECT count(*) FROM reviews
         WHERE waived_at IS NULL AND due_at >= %(starts)s AND due_at < %(ends)s
           AND published_at <= due_at) AS reviews_kept
