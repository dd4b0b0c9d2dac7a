"""`python -m watchkeeper.intake`: the intake on its own, with settings from the environment."""

import logging

import uvicorn

from watchkeeper.clock import Clock, utc_now
from watchkeeper.intake.app import create_app
from watchkeeper.intake.serving import WholeAnswers
from watchkeeper.settings import Settings


def serve(settings: Settings, *, clock: Clock = utc_now) -> None:
    """Serve until told to stop. Addresses carry signatures, so there is no access log."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses
    uvicorn.run(
        create_app(settings, clock=clock),
        host=settings.host,
        port=settings.port,
        http=WholeAnswers,
        # Nothing here asks who the sender is: a proxy's word for it is not looked for.
        proxy_headers=False,
        ws="none",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    serve(Settings())
