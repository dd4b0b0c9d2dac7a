"""The night policy: cures that somebody on call has signed in advance are carried out without waking them.

cures.py       which cures can be signed, and the changes that each makes
signatures.py  asking for a signature, signing, taking it back
deciding.py    pure: whether a page may wait, whether a plan is covered, whether its person may sleep on
holding.py     the page that waits, as rows; and what ends its waiting
report.py      the morning's report
"""
