"""Whether the server answers."""

from typing import Literal

from keyturn.wire.base import Instant, Wire


class Health(Wire):
    """It does."""

    status: Literal["ok"] = "ok"


class Status(Wire):
    """It does, and it is of this version."""

    date: Instant
    message: Literal["Ok"] = "Ok"
    version: str
