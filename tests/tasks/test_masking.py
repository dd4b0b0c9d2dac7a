"""Masking: no credential of a log line survives, and what a responder needs does."""

import pytest

from tasks.masking import masked


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("postgres://app:hunter22@db.internal/shop refused", "postgres://app:***@db.internal/shop refused"),
        ("redis://:hunter22@cache:6379", "redis://:***@cache:6379"),
        ("Authorization: Bearer abcdefgh12345678", None),
        ("DATABASE_PASSWORD=hunter2222 rejected", "DATABASE_PASSWORD=*** rejected"),
        ('{"api_key": "abcd1234", "user": 7}', '{"api_key": "***", "user": 7}'),
        ("bad key sk_live_abcDEF123456", "bad key sk_live_***"),
        ("whsec_abcdefgh does not match", "whsec_*** does not match"),
        ("token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl expired", None),
        ("connection refused by 10.0.0.7:5432", "connection refused by 10.0.0.7:5432"),
        ("TypeError: checkout total is None", "TypeError: checkout total is None"),
    ],
)
def test_hides_credentials_and_nothing_else(line: str, left: str | None) -> None:
    found = masked(line)

    if left is not None:
        assert found == left
    for secret in ("hunter22", "abcdefgh", "abcd1234", "abcDEF123456", "c2lnbmF0dXJl"):
        assert secret not in found
