"""Remove.bg's account: credits left, in what the vendor says of them."""

import pytest
from pydantic import SecretStr

from blocks.removebg import RemoveBgCredentials
from tasks.removebg import removebg_account
from tests.tasks.conftest import SECRET, Wire, says
from watchkeeper.model import CheckStatus


@pytest.mark.parametrize(
    ("total", "free", "status"), [(0, 0, CheckStatus.BAD), (0, 3, CheckStatus.OK), (0.5, 0, CheckStatus.OK)]
)
async def test_is_bad_when_nothing_is_left_to_pay_with(
    wire: Wire, total: float, free: int, status: CheckStatus
) -> None:
    wire.answers(says({"data": {"attributes": {"credits": {"total": total}, "api": {"free_calls": free}}}}))

    check = await removebg_account(RemoveBgCredentials(api_key=SecretStr(SECRET), base_url=wire.url))

    assert (check.status, check.facts) == (status, {"credits": total, "free_calls": free})
    [asked] = wire.asked
    assert (asked.path, asked.headers["x-api-key"]) == ("/account", SECRET)
