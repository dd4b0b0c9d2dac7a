"""Mail to customers: approved by a person, in batches, each address once.

A mailing is a row for an incident and a purpose, and so is each of its addresses. A batch takes its addresses in a
transaction before it leaves. What SendGrid took is done; what it cannot have taken goes back and is sent again; where
that is in doubt, nothing is sent again by itself: SendGrid's own events prove it, or a person decides. A second mail
to a thousand customers cannot be taken back, a late one can be sent.
"""
