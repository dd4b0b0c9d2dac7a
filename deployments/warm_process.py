"""One flow run in a process that was forked from a warm one: what `python -m prefect.engine` does, minus the imports."""

import asyncio
import os
import sys
from collections.abc import Mapping
from logging import Logger
from typing import cast
from uuid import UUID

from prefect.context import refresh_global_settings_context
from prefect.engine import handle_engine_signals
from prefect.flow_engine import load_flow, load_flow_run, run_flow
from prefect.logging.loggers import flow_run_logger


def run_in_this_process(
    flow_run_id: UUID, environment: Mapping[str, str], *, has_own_settings: bool = True
) -> None:
    """Run a flow run to its end in this process, which exits as Prefect's own engine does: 0 when handled.

    Args:
        environment: the whole environment of the run; the forkserver's own is dropped.
        has_own_settings: whether Prefect's settings in it differ from those that the forkserver has read. To read them
            again takes a tenth of a second and seven megabytes that are otherwise shared.
    """
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["watchkeeper-run", str(flow_run_id)]
    if has_own_settings:
        refresh_global_settings_context()
    with handle_engine_signals(flow_run_id):
        flow_run = load_flow_run(flow_run_id)
        logger = flow_run_logger(flow_run)
        try:
            flow = load_flow(flow_run)
        except Exception:
            logger.exception("the flow cannot be loaded")
            raise
        running = run_flow(flow, flow_run=flow_run, error_logger=cast(Logger, logger))
        if asyncio.iscoroutine(running):
            # On the main thread, where Prefect can take over SIGTERM.
            asyncio.run(running)
