"""The status page: what customers see, on Atlassian Statuspage or as files of our own.

What they were told stands in rows (`posting`); both kinds of page are made from them when they are sent.
"""
