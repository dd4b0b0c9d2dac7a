"""The environment variables of a project at Vercel, in the format of its API."""

import secrets
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

DAY_MILLISECONDS = 86_400_000


def milliseconds() -> int:
    return round(time.time() * 1000)


@dataclass
class Variable:
    """One variable. A plain one's value is in every answer; an encrypted one's only for who asks to decrypt."""

    key: str
    target: list[str]
    kind: str = "encrypted"
    value: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    created: int = field(default_factory=milliseconds)
    updated: int = 0
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def told(self, *, decrypt: bool) -> dict[str, Any]:
        shown = (
            self.value if decrypt or self.kind == "plain" else b64encode(self.value[::-1].encode()).decode()
        )
        return {
            "type": self.kind,
            "value": shown,
            "target": self.target,
            "configurationId": None,
            "id": self.id,
            "key": self.key,
            "createdAt": self.created,
            "updatedAt": self.updated or self.created,
            "createdBy": "usr_ana",
            "updatedBy": "usr_ana" if self.updated else None,
            "comment": "",
        }


class Variables:
    """All of a project's, as they were on the first day until somebody changes one."""

    def __init__(self) -> None:
        self.issued: list[str] = []
        self._known: dict[str, Variable] = {}
        self.reset()

    def reset(self) -> None:
        long_ago = milliseconds() - 90 * DAY_MILLISECONDS
        everywhere = ["production", "preview", "development"]
        self._known.clear()
        self._add(Variable("API_URL", everywhere, "plain", created=long_ago))
        self._add(Variable("SESSION_KEY", ["production"], created=long_ago))

    def _add(self, variable: Variable) -> None:
        self._known[variable.key] = variable
        self.issued.append(variable.value)

    def set(self, key: str, target: list[str]) -> None:
        """A new value; of a variable that was not there, the first."""
        before = self._known.get(key)
        if before is None:
            self._add(Variable(key, target))
        else:
            changed = Variable(key, target, before.kind, created=before.created, updated=milliseconds())
            self._add(changed)

    def told(self, *, decrypt: bool) -> dict[str, Any]:
        envs = [variable.told(decrypt=decrypt) for variable in self._known.values()]
        return {"envs": envs, "pagination": {"count": len(envs), "next": None, "prev": None}}
