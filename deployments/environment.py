"""The environments of the stack's programs: which settings each finds, and Prefect kept lean and to itself."""

import os
from pathlib import Path

import certifi

from watchkeeper.home import ENV_PREFIX, Home, settings_environment
from watchkeeper.settings import Settings

LOOPBACK = "127.0.0.1"

# Both switches: the first is the server's, the second the one that Prefect's clients look at.
NO_TELEMETRY = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}

LEAN_SERVER = {
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # A sweep each minute: five minutes of runs ahead, not an hour's, in the database and on the UI's list.
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT5M",
    # Housekeeping at a pace for one machine: a third less of a core when nothing happens.
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT15S",
    # Ten connections at most, for a machine with few cores: each is a process in Postgres that grows to ten megabytes.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "5",
}

RESPONSIVE_WORKER = {
    # The store wakes the worker for what the dispatcher starts; this is for runs that are started by hand.
    "PREFECT_WORKER_QUERY_SECONDS": "3",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
    # What is due later is a process that waits, ten seconds by default: so many as the next look may be late are enough.
    "PREFECT_WORKER_PREFETCH_SECONDS": "4",
}


def base_environment() -> dict[str, str]:
    """Our own environment without what would point a part at another installation or another Prefect."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((ENV_PREFIX, "PREFECT_")) or name.startswith("PREFECT_LOGGING_")
    }


def program_environment(settings: Settings, home: Home) -> dict[str, str]:
    """For everything of ours, and for Prefect's clients."""
    prefect = {
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_API_URL": settings.prefect_api_url,
    } | NO_TELEMETRY
    if settings.prefect_api_url.startswith("http://"):
        # Nothing is encrypted on loopback, but each of Prefect's clients loads the certificates all the same:
        # 30 ms of CPU for a hundred of them, half a millisecond for one.
        prefect["PREFECT_API_SSL_CERT_FILE"] = str(one_certificate(home))
    if settings.prefect_auth is not None:
        prefect["PREFECT_API_AUTH_STRING"] = settings.prefect_auth.get_secret_value()
    return base_environment() | settings_environment(settings) | prefect


def one_certificate(home: Home) -> Path:
    """A file with a single certificate, for clients that need a file and no certificate."""
    file = home.prefect / "one-certificate.pem"
    if not file.exists():
        end = "-----END CERTIFICATE-----\n"
        known = Path(certifi.where()).read_text()
        file.write_text(known[known.index("-----BEGIN") : known.index(end) + len(end)])
    return file


def worker_environment(settings: Settings, home: Home) -> dict[str, str]:
    return program_environment(settings, home) | RESPONSIVE_WORKER


def server_environment(settings: Settings, home: Home, *, port: int, database_url: str) -> dict[str, str]:
    """For Prefect's server. It gets none of our settings: it needs no credential of any vendor."""
    environment = {
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_API_URL": settings.prefect_api_url,
        "PREFECT_SERVER_API_HOST": LOOPBACK,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
        # By default one folder per user: a second server's pages would speak to the first one's API.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home.prefect / "ui"),
    }
    if settings.prefect_auth is not None:
        environment["PREFECT_SERVER_API_AUTH_STRING"] = settings.prefect_auth.get_secret_value()
    return base_environment() | environment | NO_TELEMETRY | LEAN_SERVER
