"""Whether the server answers."""

from typing import Literal

from keyturn.wire.base import Instant, Wire


class Health(Wire):
    """It does."""

    status: Literal["ok"] = "ok"


class Check(Wire):
    """One thing that has to be so, and why it is not."""

    name: str
    ok: bool
    why: str = ""


class Readiness(Wire):
    """Whether it can do its work."""

    status: Literal["ready", "not ready"]
    checks: tuple[Check, ...]


class Status(Wire):
    """It does, and it is of this version."""

    date: Instant
    message: Literal["Ok"] = "Ok"
    version: str
