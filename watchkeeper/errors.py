"""What can go wrong, split by what the caller should do next.

    WatchkeeperError
    ├── VendorError             a vendor's answer, with vendor, action and status
    │   ├── VendorUnavailable   timed out, 429 or 5xx: wait and try again
    │   │   └── CutShort        in the middle of a change that has parts: some of it may have happened
    │   └── VendorRejected      4xx or a refusal: a bug or a bad credential; tell a person
    ├── NotConfigured           no credentials or no target: say so once and go on without
    ├── PreconditionChanged     the world moved while we waited: plan again
    ├── NothingToChange         a step of a cure finds nothing that it could change: tell a person
    ├── NotPermitted            stop, and write down who asked
    ├── LeaseLost               another attempt of this response holds the incident: stop quietly
    ├── BadInput                what came in is wrong; the message says what to mend
    └── StoreUnavailable        Postgres is away: spool, page, try again
        └── StoreSlow           it may answer yet, but whoever waits for it can wait no longer

An error carries what a responder needs and never a secret.
"""


class WatchkeeperError(Exception):
    """Base of everything that Watchkeeper raises on purpose."""


class VendorError(WatchkeeperError):
    """A vendor did not do what was asked.

    Attributes:
        vendor: its name in lower case, as in `blocks/` and `tasks/`.
        action: the verb and object that was tried, such as "restart_service".
        status: the HTTP status, or None when there was no answer.
        reason: the vendor's own short words or ours, free of secrets.
        retry_after_seconds: how long the vendor asked us to wait, when it did.
    """

    def __init__(
        self,
        *,
        vendor: str,
        action: str,
        status: int | None = None,
        reason: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        self.vendor = vendor
        self.action = action
        self.status = status
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        answer = f"answered {self.status}" if self.status is not None else "did not answer"
        tail = f": {self.reason}" if self.reason else ""
        return f"{self.vendor} {answer} to {self.action}{tail}"

    def __reduce__(self) -> tuple[object, ...]:
        # Prefect pickles a failed task's exception; keyword-only arguments need help to come back.
        return (_rebuild, (type(self), self.__dict__ | {}))


def _rebuild(cls: type[VendorError], state: dict[str, object]) -> VendorError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    Exception.__init__(error, error._sentence())
    return error


class VendorUnavailable(VendorError):
    """The vendor timed out, was unreachable, or answered 429 or 5xx; trying again may help."""


class CutShort(VendorUnavailable):
    """The vendor went away in the middle of a change that has parts; the reason says how far it surely came.

    That not all of it happened does not mean that none of it did.
    """


class VendorRejected(VendorError):
    """The vendor answered 4xx or refused in its own words; trying again will not help."""


class NotConfigured(WatchkeeperError):
    """A vendor has no credentials here, or a service has no target for it."""

    def __init__(self, what: str, *, setting: str) -> None:
        self.what = what
        self.setting = setting
        super().__init__(what, setting)

    def __str__(self) -> str:
        return f"{self.what} is not configured (set {self.setting})"


class PreconditionChanged(WatchkeeperError):
    """What a plan was built on is no longer so; look again before acting."""


class NothingToChange(WatchkeeperError):
    """What a step of a cure would change is not there, such as a deployment to go back to."""


class NotPermitted(WatchkeeperError):
    """The policy, a guard or a person's role forbids this."""


class LeaseLost(WatchkeeperError):
    """This run no longer holds the incident's lease."""


class BadInput(WatchkeeperError):
    """What came in cannot be used; the message says what to mend."""


class StoreUnavailable(WatchkeeperError):
    """Postgres could not be reached."""


class StoreSlow(StoreUnavailable):
    """Postgres has not answered in the time that the sender of an alert gives; that does not say that it is away."""
