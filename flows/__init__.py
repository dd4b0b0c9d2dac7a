"""The phases of the guide as Prefect flows; runbooks are in `flows/runbooks/`.

Flows hold no state of their own: each phase asks the store how far the incident has come, and each effect is
claimed there before it happens, so that any run can be killed and another goes on.
"""
