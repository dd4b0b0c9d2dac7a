"""Hiding credentials in what a vendor's logs hold, before it is stored or shown: strangers' words may hold ours."""

import re

MASK = "***"

# Each with a group for what may stay: the name of what was set, or the start that says what it was.
SECRETS = (
    # user:password@host
    re.compile(r"(://[^/\s:@]*:)[^\s@]+(?=@)"),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}"),
    # PASSWORD=..., "api_key": "..."
    re.compile(
        r"(?i)([\w-]*(?:passw(?:or)?d|secret|token|api[_-]?key|authorization|dsn|cookie)[\w-]*[\"']?\s*[=:]\s*[\"']?)"
        r"[^\s\"',;&]{4,}"
    ),
    # Tokens that say by their first letters whose they are, and signed ones.
    re.compile(
        r"\b((?:sk|rk|pk)_(?:live|test)_|whsec_|gh[pousr]_|github_pat_|xox[abprs]-|sbp_|SG\.)[\w.-]{6,}"
    ),
    re.compile(r"\b(eyJ)[\w-]+\.[\w-]+\.[\w-]*"),
)


def masked(text: str) -> str:
    """The text without what looks like a credential."""
    for secret in SECRETS:
        text = secret.sub(rf"\1{MASK}", text)
    return text
