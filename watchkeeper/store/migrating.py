"""Bringing the store's schema up to date, with Alembic."""

from alembic import command
from alembic.config import Config


def migrate(url: str) -> None:
    """Apply every migration that this database does not have yet; safe to call from several processes.

    Args:
        url: a psycopg connection string. It is not written into any file or log.
    """
    config = Config()
    config.set_main_option("script_location", "watchkeeper:store/migrations")
    config.attributes["url"] = url
    command.upgrade(config, "head")
