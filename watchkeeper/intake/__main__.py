"""`python -m watchkeeper.intake`: the intake on its own, with settings from the environment."""

import logging

import uvicorn

from watchkeeper.intake.app import create_app
from watchkeeper.intake.serving import WholeAnswers
from watchkeeper.settings import Settings


def main() -> None:
    """Serve until told to stop. Addresses carry signatures, so there is no access log."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=WholeAnswers,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
