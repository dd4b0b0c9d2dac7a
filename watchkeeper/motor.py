"""The one door to Prefect: asking it to start, resume, schedule or cancel runs.

What is wanted is a row, written in the transaction that makes it necessary; the dispatcher carries rows to
Prefect's REST API and tries again while Prefect is away. Every request may be repeated: runs are created under
idempotency keys, and resuming looks at the run first.

Source: https://docs.prefect.io/v3/api-ref/rest-api
"""

from datetime import datetime
from typing import Any

import httpx

from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.model import incident_number
from watchkeeper.rendering import words
from watchkeeper.store import Db

POOL_DEPLOYMENT = "watchkeeper"
TERMINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


async def ask_motor(
    db: Db,
    key: str,
    incident_id: int | None,
    verb: str,
    *,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write down what Prefect is to be asked for, once per key."""
    await db.one("motor/ask", key=key, incident_id=incident_id, verb=verb, detail=detail or {}, now=now)


class Motor:
    """Prefect's REST API, as far as the kernel needs it.

    Every method raises VendorUnavailable while Prefect is away, and VendorRejected when it refuses.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._deployments: dict[str, str] = {}

    async def start_response(self, incident_id: int, attempt: int) -> str:
        """Create the response's run for this attempt, or find the one that is there; its id."""
        # Neither kind nor severity: they may change in the night, and the run's name does not.
        name = f"{incident_number(incident_id)} response"
        return await self._create_run(
            "respond",
            name=name if attempt == 1 else f"{name}, attempt {attempt}",
            idempotency_key=f"{incident_number(incident_id)}:{attempt}",
            parameters={"incident_id": incident_id, "attempt": attempt},
        )

    async def start_review(self, incident_id: int, asks: int) -> str:
        """Create the run that drafts the post-mortem, or find the one that is there; its id."""
        number = incident_number(incident_id)
        return await self._create_run(
            "review",
            name=f"{number} review",
            idempotency_key=f"{number}:review:{asks}",
            parameters={"incident_id": incident_id},
        )

    async def show_deadline(self, incident_id: int, kind: str, number: int, due_at: str) -> str:
        """Create the scheduled run that shows a deadline in the UI; its id."""
        return await self._create_run(
            "deadline",
            name=f"{incident_number(incident_id)} {kind} {number}",
            idempotency_key=f"{incident_number(incident_id)}:{kind}:{number}:{due_at}",
            parameters={"incident_id": incident_id, "kind": kind, "number": number},
            state={"type": "SCHEDULED", "state_details": {"scheduled_time": due_at}},
        )

    async def show_occasion(self, kind: str, due_at: str, key: str) -> str:
        """Create the scheduled run that shows in the UI what the calendar brings, once per key; its id."""
        return await self._create_run(
            "occasion",
            name=f"{words(kind)} of {due_at[:10]}",
            idempotency_key=key,
            parameters={"kind": kind, "due_at": due_at},
            state={"type": "SCHEDULED", "state_details": {"scheduled_time": due_at}},
        )

    async def run_state(self, flow_run_id: str) -> str | None:
        """The run's state type, such as "RUNNING" or "PAUSED"; None when there is no such run."""
        try:
            run = await self._request("GET", f"/flow_runs/{flow_run_id}")
        except VendorRejected as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise
        return _value(run, "state_type")

    async def resume(self, flow_run_id: str, run_input: dict[str, Any]) -> None:
        """Resume a suspended run. What goes into run_input is rendered as a template there: no strangers' text."""
        answer = await self._request("POST", f"/flow_runs/{flow_run_id}/resume", {"run_input": run_input})
        if answer.get("status") != "ACCEPT":
            raise VendorUnavailable(vendor="prefect", action="resume", reason=str(answer.get("status")))

    async def cancel(self, flow_run_id: str, message: str) -> None:
        """Set a run to cancelled, whatever it is doing; what it may still be doing has lost its lease."""
        state = {"type": "CANCELLED", "message": message}
        await self._request("POST", f"/flow_runs/{flow_run_id}/set_state", {"state": state, "force": True})

    async def _create_run(self, flow: str, **wanted: Any) -> str:
        deployment = await self._deployment(flow)
        try:
            run = await self._request("POST", f"/deployments/{deployment}/create_flow_run", wanted)
        except VendorRejected:
            # The deployment may have been made anew under another id.
            self._deployments.pop(flow, None)
            raise
        return _value(run, "id")

    async def _deployment(self, flow: str) -> str:
        if flow not in self._deployments:
            found = await self._request("GET", f"/deployments/name/{flow}/{POOL_DEPLOYMENT}")
            self._deployments[flow] = _value(found, "id")
        return self._deployments[flow]

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        action = path.rpartition("/")[2]
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            reason = type(error).__name__
            raise VendorUnavailable(vendor="prefect", action=action, reason=reason) from error
        if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise VendorUnavailable(vendor="prefect", action=action, status=answer.status_code)
        if not answer.is_success:
            raise VendorRejected(vendor="prefect", action=action, status=answer.status_code)
        try:
            said = answer.json() if answer.content else {}
        except ValueError:
            said = None
        if not isinstance(said, dict):
            # Something in between answers in Prefect's place; it must not stop the intake.
            raise VendorUnavailable(vendor="prefect", action=action, reason="an answer that is not Prefect's")
        return said


def _value(said: dict[str, Any], name: str) -> str:
    if name not in said:
        raise VendorUnavailable(
            vendor="prefect", action=f"give_{name}", reason="an answer that is not Prefect's"
        )
    return str(said[name])
