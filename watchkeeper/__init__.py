"""Watchkeeper's kernel: what an incident is, the policy, the store, the intake and the pager.

Nothing here knows Prefect: it must page people while Prefect is down.
"""
