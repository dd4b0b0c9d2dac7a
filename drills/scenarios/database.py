"""The database is down."""

from typing import Any

from drills.scenarios.scenario import (
    Counterpart,
    Scenario,
    Step,
    backend_kept_running,
    backend_was_restarted,
    every,
)

# Any change asked of the platform, in its words.
RESTART = "deploymentRestart"
NO_WRITES = {f"railway:{RESTART}": 0, "railway:deploymentRollback": 0}


def waited_out(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The database was out of everybody's reach, came back by itself, and nothing was changed meanwhile."""
    failures = []
    if after["supabase"]["turned_away"] <= before["supabase"]["turned_away"]:
        failures.append("nobody was ever turned away from the database")
    if not after["supabase"]["open"]:
        failures.append("the database is still out of reach")
    if after["supabase"]["writes"] > before["supabase"]["writes"]:
        failures.append("something was changed at Supabase")
    return [*failures, *backend_kept_running(before, after)]


def leak_was_ended(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Idle connections were ended by the server, and the backend began with a new pool."""
    return [*backend_was_restarted(before, after), *connections_were_ended(before, after)]


def connections_were_ended(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, now = (state["supabase"]["sessions_killed"] for state in (before, after))
    return [] if now > was else ["no connection was ended"]


def nobody_was_cut_off(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, now = (state["supabase"]["sessions_killed"] for state in (before, after))
    return [f"{now - was} connections were ended"] if now > was else []


def nothing_was_deleted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    now = after["supabase"]
    left, were = now["old_rows"], now["most_old_rows"]
    return [] if left == were else [f"{were - left} of {were} old rows were deleted"]


def cleaned_up(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The old rows are gone, the young ones are all there, and the database takes writes again."""
    failures = []
    was, now = before["supabase"], after["supabase"]
    if now["times_read_only"] <= was["times_read_only"]:
        failures.append("the database was never read-only")
    if now["read_only"]:
        failures.append("the database is still read-only")
    if now["most_old_rows"] == 0 or now["old_rows"] > 0:
        failures.append(f"{now['old_rows']} of {now['most_old_rows']} old rows are left")
    if now["young_rows"] < was["young_rows"]:
        failures.append(f"{was['young_rows'] - now['young_rows']} young rows were deleted")
    return failures


SCENARIOS = (
    Scenario(
        name="connection-leak",
        title="A connection leak exhausts the database; repaired without asking",
        faults=(Step("/control/company/fault/leak", {}),),
        cause="connection_leak",
        needs_approval=False,
        cure={"railway:deploymentRestart": 1},
        proof=leak_was_ended,
        untouched=nobody_was_cut_off,
        counterpart=Counterpart(
            title="A connection leak, and Railway never answers whether it restarts the backend",
            way="times out",
            first=(Step("/control/fail/railway", {"manner": "silence", "times": 9, "match": RESTART}),),
            at_most={f"railway:{RESTART}": 1},
            proof=every(connections_were_ended, backend_kept_running),
        ),
    ),
    Scenario(
        name="supabase-outage",
        title="Supabase is down; waited for, with nothing changed, and people told",
        faults=(Step("/control/supabase/outage", {"seconds": 28}),),
        cause="supabase_outage",
        needs_approval=False,
        cure={},
        proof=waited_out,
        counterpart=Counterpart(
            title="Supabase is down and stays down; after the policy's wait a person decides",
            way="comes too late",
            first=(Step("/control/supabase/outage", {}),),
            at_most=NO_WRITES,
        ),
    ),
    Scenario(
        name="disk-full",
        title="The database's disk is full; old rows deleted after a person approves",
        faults=(Step("/control/company/fault/hoard", {}),),
        cause="disk_full",
        needs_approval=True,
        cure=NO_WRITES,
        proof=cleaned_up,
        untouched=nothing_was_deleted,
        counterpart=Counterpart(
            title="The disk is full of what is in no table; old rows are deleted, and it is not enough",
            way="does not help",
            first=(Step("/control/supabase/fill", {"megabytes": 60}),),
            at_most=NO_WRITES,
        ),
    ),
)
