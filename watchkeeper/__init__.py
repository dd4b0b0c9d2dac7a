"""Watchkeeper's kernel: what an incident is, the policy, the store, the intake and the pager.

Nothing here knows Prefect: it must page people while Prefect is down.
"""

import sys

# httpx brings its command line along where rich is installed: five megabytes in every process, for what nobody calls.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
