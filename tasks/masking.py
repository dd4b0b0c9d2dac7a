"""Hiding credentials in what a vendor's logs hold, before it is stored or shown: strangers' words may hold ours."""

import re

MASK = "***"

# Each with a group for what may stay: the name of what was set, or the start that says what it was. What comes before
# a secret has an end, or a line of some megabytes would be looked at for minutes.
SECRETS = (
    # user:password@host
    re.compile(r"(://[^/\s:@]{0,100}:)[^\s@]{1,500}(?=@)"),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}"),
    # PASSWORD=..., "api_key": "..."
    re.compile(
        r"(?i)((?:passw(?:or)?d|secret|token|api[_-]?key|authorization|dsn|cookie)[\w-]{0,40}[\"']?\s*[=:]\s*[\"']?)"
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


def masked_line(text: str, *, longest: int) -> str:
    """The first characters of a line that may be of any length. Masked before it is cut: half a secret is one too much."""
    return masked(text[: 4 * longest])[:longest]


# What stands in a statement in place of a value, of the same kind.
VALUE = "'?'"
FEW_DIGITS = 4
# As Postgres reads a statement; whatever the end of the text cuts off goes on to it. A backslash before a quote ends
# the literal or does not, as the session is set: then nothing that follows is shown.
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
VALUES = re.compile(
    r"""
      (?P<comment>    --[^\n]* | /\*(?:(?!\*/|/\*).)*(?:\*/|\Z|/\*.*\Z) )
    | (?P<literal>    (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
                    | (?<![\w$])[eE]'(?:[^'\\]|''|\\.)*(?:'|\\?\Z)
                    | (?:(?<![\w$])(?:[uU]&|[bBxXnN]))?'(?:[^'\\]|''|\\(?!'))*(?:'|\Z|\\'.*\Z) )
    | (?P<identifier> "(?:[^"]|"")*(?:"|\Z) )
    | (?P<number>     (?<![\w$])\.?\d[\w.]* )
    """,
    re.VERBOSE | re.DOTALL,
)
PLAIN_IDENTIFIER = re.compile(r'"[^\W\d]\w*"')
# Of a setting the value may be a bare word.
SETTING = re.compile(r"(?i)((?:\A|;)\s*set\s+(?:session\s+|local\s+)?[\w.\"]+\s*(?:=|\bto\b)\s*)[^;]+")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def masked_statement(statement: str) -> str:
    """A database's statement without the values in it, which are customers' data or worse, and without its comments."""
    bare = SETTING.sub(rf"\1{VALUE}", VALUES.sub(_without_value, statement))
    return masked(ADDRESS.sub("?", bare)).strip()


def _without_value(found: re.Match[str]) -> str:
    text = found[0]
    match found.lastgroup:
        case "comment":
            return " "
        case "identifier":
            return text if PLAIN_IDENTIFIER.fullmatch(text) else '"?"'
        case "number":
            return text if sum(map(str.isalnum, text)) <= FEW_DIGITS else "?"
        case _:
            return VALUE
