"""Watchkeeper's own side of a night with the clock moved: its people, its policy and its settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from drills.moved.vendors import Vendors
from watchkeeper.policy import load_policy, merge, validate_policy
from watchkeeper.settings import Settings

TEAM = {
    "people": {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": "+14155550101", "slack": "U0ANA"},
        "ben": {"name": "Ben", "email": "ben@example.com", "phone": "+14155550102", "slack": "U0BEN"},
    },
    "roster": {"primary": "ana", "secondary": "ben"},
    "status_page": {
        "components": {
            "frontend": {"title": "Website", "statuspage_id": "webs1te", "workaround": "Order by phone."},
            "payments": {"title": "Payments", "statuspage_id": "paym3nts"},
            "worker": {"title": "Designs", "statuspage_id": "des1gns"},
        }
    },
}
# Where nobody listens: Prefect is away all night long.
NO_PREFECT = "http://127.0.0.1:1/api"


def policy_file(folder: Path, own: Mapping[str, Any]) -> Path:
    """The shipped policy with this team, and what the night changes in it."""
    whole = merge(merge(load_policy().model_dump(mode="json"), TEAM), dict(own))
    file = folder / "watchkeeper.yaml"
    file.write_text(yaml.safe_dump(validate_policy(whole, source="night").model_dump(mode="json")))
    return file


def settings_in(
    folder: Path,
    vendors: Vendors,
    policy: Mapping[str, Any],
    *,
    stand_ins: str,
    store_url: str,
    **more: Any,
) -> Settings:
    """Settings whose messages go to the stand-ins; only addresses and credentials differ from a real night's."""
    known: dict[str, Any] = {
        "home": folder / "home",
        "policy_file": policy_file(folder, policy),
        "database_url": store_url,
        "prefect_api_url": NO_PREFECT,
    }
    return Settings(_env_file=None, **(known | vendors.settings(stand_ins) | more))
