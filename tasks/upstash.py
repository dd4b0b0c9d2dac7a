"""Upstash's developer API: what the database may use and what it has used. Asking costs no Redis command.

Only reading: changing the plan costs money and is a person's to do.

Source:
    https://github.com/upstash/docs/blob/main/devops/developer-api/openapi.yml
"""

from typing import Any

from blocks.upstash import UpstashCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.policy.services import UpstashTarget

SHOWN_COMMANDS = 12


async def upstash_database(
    credentials: UpstashCredentials | None, target: UpstashTarget | None, *, near_percent: float
) -> Check:
    """The database's state, its plan's limit, what this month used of it, and which commands did."""

    async def read() -> Seen:
        if credentials is None or target is None:
            setting = "WATCHKEEPER_UPSTASH__API_KEY and services.redis.upstash"
            raise NotConfigured("Upstash", setting=setting)
        base = f"{credentials.base_url.rstrip('/')}/redis"
        async with credentials.get_client() as client:
            url = f"{base}/database/{target.database_id}"
            # Without it the answer holds the database's password.
            hidden = {"credentials": "hide"}
            database = await read_json(client, Ask("upstash", "read_database"), "GET", url, params=hidden)
            facts = limits_of(database)
            url = f"{base}/stats/{target.database_id}"
            facts |= usage_of(await read_json(client, Ask("upstash", "read_stats"), "GET", url))
        facts["used_percent"] = percent(facts["used_this_month"], facts["limit"])
        well = facts["state"] == "active" and (facts["used_percent"] or 0) < near_percent
        return Seen(well, words_of(facts), facts, output="\n".join(lines_of(facts)))

    return await look("upstash_database", "upstash", "Upstash: database, stats", read)


def limits_of(database: dict[str, Any]) -> dict[str, Any]:
    """State and plan; a limit that is missing or not above zero is none."""
    limit = database.get("db_request_limit")
    return {
        "state": str(database["state"]),
        "plan": str(database.get("type", "unknown")),
        "limit": int(limit) if limit and limit > 0 else None,
        "auto_upgrade": bool(database.get("auto_upgrade")),
        "memory_limit": int(database.get("db_memory_threshold") or 0) or None,
    }


def usage_of(stats: dict[str, Any]) -> dict[str, Any]:
    """Commands this month, on a usual day, today, and each command's share of them in percent."""
    days = [point["y"] for point in stats.get("dailyrequests", [])]
    counts = {
        str(each["metric_identifier"])[:40]: sum(point["y"] for point in each["data_points"])
        for each in stats.get("command_counts", [])
    }
    total = sum(counts.values())
    most = sorted(counts.items(), key=lambda item: -item[1])[:SHOWN_COMMANDS]
    connections = [point["y"] for point in stats.get("connection_count", [])]
    return {
        "used_this_month": int(stats["total_monthly_requests"]),
        "used_today": int(stats["daily_net_commands"]),
        # The last point is today's, which is not over yet.
        "usual_day": round(sum(days[:-1]) / len(days[:-1])) if len(days) > 1 else None,
        "shares": {name: round(100 * count / total, 1) for name, count in most if count} if total else {},
        "connections": connections[-1] if connections else None,
        "stored_bytes": int(stats.get("current_storage") or 0),
    }


def percent(used: int, limit: int | None) -> float | None:
    """With one decimal, never rounded up: 100 means that it is used up."""
    return 1000 * used // limit / 10 if limit else None


def words_of(facts: dict[str, Any]) -> str:
    used = f"{facts['used_this_month']:,} commands this month"
    if facts["limit"]:
        used += f" of {facts['limit']:,} ({facts['used_percent']:g} %)"
    return f"{facts['state']}, plan {facts['plan']}, {used}"


def lines_of(facts: dict[str, Any]) -> list[str]:
    shares = [f"{name}: {share:g} % of all commands" for name, share in facts["shares"].items()]
    day = facts["usual_day"]
    usual = [f"{day:,} commands on a usual day"] if day is not None else []
    connections = f"{facts['connections']} connections"
    return [
        words_of(facts),
        f"{facts['used_today']:,} today",
        *usual,
        connections,
        stored_words(facts),
        *shares,
    ]


def stored_words(facts: dict[str, Any]) -> str:
    """What is stored; at its limit Upstash refuses writes, or evicts where that is switched on."""
    stored = f"{facts['stored_bytes'] / 1e6:.1f} MB stored"
    limit = facts["memory_limit"]
    return f"{stored}, of at most {limit / 1e6:.0f} MB" if limit else stored


check_upstash_database = look_task("check_upstash_database", "upstash")(upstash_database)
