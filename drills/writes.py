"""What counts as a write, for every vendor: what would change production there. Pure.

What is not said to be a question is a write: a vendor's rule names the few requests that only ask although they are
not GET, and one that is not in the table has none.
"""

from collections.abc import Callable, Mapping
from typing import Any

# A request as a stand-in wrote it down: vendor, method, path, headers, body.
Request = Mapping[str, Any]
Rule = Callable[[Request], bool]

ASKING = ("GET", "HEAD", "OPTIONS")
# How the company's own services call themselves; what they send is their business.
COMPANY = "shop-"


def nothing_else(request: Request) -> bool:
    """Its API asks by GET alone."""
    return False


def is_graphql_query(request: Request) -> bool:
    """Railway's API is one address: only a mutation changes anything."""
    return "mutation" not in str(request["body"])


def reads_monitors(request: Request) -> bool:
    """UptimeRobot's second API asks by POST, too."""
    return str(request["path"]).endswith("/getMonitors")


def reports_errors(request: Request) -> bool:
    """The company's errors on their way to Sentry, through its own library."""
    return str(request["path"]).endswith("/envelope/")


def is_the_companys(request: Request) -> bool:
    """A design's picture or description, asked for by the shop."""
    agent = str(request.get("headers", {}).get("user-agent", ""))
    return agent.startswith(COMPANY)


def tells_people(request: Request) -> bool:
    """A message, a post or a call: people are told whatever Watchkeeper may change."""
    return True


# By vendor: which of its requests that are not GET change nothing of production.
HARMLESS: Mapping[str, Rule] = {
    "railway": is_graphql_query,
    "vercel": nothing_else,
    "supabase": nothing_else,
    "upstash": nothing_else,
    "stripe": nothing_else,
    "github": nothing_else,
    "sentry": reports_errors,
    "uptimerobot": reads_monitors,
    "gemini": is_the_companys,
    "removebg": is_the_companys,
    "statuspage": nothing_else,
    "dns": nothing_else,
    "twilio": tells_people,
    "sendgrid": tells_people,
    "slack": tells_people,
    "statuspage_api": tells_people,
}


def is_production_write(request: Request) -> bool:
    """Whether a vendor was asked to change something, not to tell something and not to tell people."""
    harmless = HARMLESS.get(request["vendor"], nothing_else)
    return request["method"] not in ASKING and not harmless(request)
