"""Importing this warms a process up: it imports every flow that `prefect.yaml` names. The forkserver does, before it forks.

Nothing of it may start a thread or open a connection: a fork would copy half of it.
"""

import gc
from contextlib import suppress
from importlib import import_module

from prefect.logging.configuration import setup_logging

import deployments.warm_process  # noqa: F401
from deployments.definition import defined_deployments, definition_file
from watchkeeper.tls import tls_context

NEEDED_BY_RUNS = (
    "anyio._backends._asyncio",
    "dns._asyncio_backend",
    "fastapi",
    "prefect.task_engine",
    "prefect.utilities.visualization",
)

for _deployment in defined_deployments(definition_file()):
    # A module that cannot be imported fails its own runs, with its error in their logs, and no others.
    with suppress(Exception):
        import_module(_deployment["entrypoint"].rpartition(".")[0])

# What Prefect and our clients import only once a run needs it: a run that finds it here shares it with all others,
# which is half of the memory that a response would hold for itself, and some of its first second.
for _module in NEEDED_BY_RUNS:
    with suppress(ImportError):
        import_module(_module)

# What each run would make for itself: certificates and the logging's configuration.
tls_context()
setup_logging()

# What lives now lives for ever: collecting garbage in a child would copy all of it.
gc.collect()
gc.freeze()
