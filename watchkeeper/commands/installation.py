"""`watchkeeper doctor`, `migrate` and `policy check`: whether the installation is as it must be."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption
from watchkeeper.doctor import Examination, Verdict, examine, examine_store
from watchkeeper.errors import StoreUnavailable
from watchkeeper.home import read_settings
from watchkeeper.oncall import on_call
from watchkeeper.policy import Policy, load_policy


def doctor(*, home: HomeOption = None) -> int:
    """Say what is configured, who is on call and what does not answer; exit 1 if it cannot work."""
    examinations = asyncio.run(examine(read_settings(home, of_running=True)))
    for examination in examinations:
        print(_line(examination))
    return 1 if any(each.verdict is Verdict.FATAL for each in examinations) else 0


def _line(examination: Examination) -> str:
    return f"{examination.verdict:<15} {examination.what:<20} {examination.text}"


def migrate(*, home: HomeOption = None) -> None:
    """Bring the incident store's schema up to date."""
    settings = read_settings(home, of_running=True)
    store = asyncio.run(examine_store(settings))
    if store.verdict is not Verdict.OK:
        raise StoreUnavailable(f"incident store: {store.text}")
    # Here, because Alembic takes longer to import than most commands take to run.
    from watchkeeper.store.migrating import migrate as migrate_store

    migrate_store(settings.store_url())
    print("the incident store's schema is up to date")


def policy_app() -> App:
    """The commands about the policy file, to be joined to the command line."""
    app = App(name="policy", help="The policy file: what your team decides about incidents.")
    app.command(check_policy, name="check")
    return app


def check_policy(file: Annotated[Path | None, Parameter(help="Your own policy file.")] = None) -> None:
    """Check a policy file: every key, every name, every dependency. Without a file, the one in force."""
    policy = load_policy(file or read_settings().policy_file)
    for line in describe_policy(policy):
        print(line)


def describe_policy(policy: Policy) -> list[str]:
    """A valid policy in a few lines: who is on call and what is watched."""
    shift = on_call(policy, [], utc_now())
    people = ", then ".join(policy.people[handle].name for handle in shift.people)
    return [
        "the policy is valid",
        f"on call   {people}",
        f"services  {', '.join(sorted(policy.services))}",
    ]
