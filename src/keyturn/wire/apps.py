"""The apps of an Okta org (ours)."""

from typing import Annotated, Literal

from pydantic import Field

from keyturn.wire.base import TEXT_MAX, Instant, Whole, Wire
from keyturn.wire.rotations import RotationType

SHOWN_MAX = 50

Status = Literal["ACTIVE", "INACTIVE"]


class AppsQuery(Wire):
    """How the labels of the apps that are wanted begin, or the id of one."""

    label: Annotated[str, Field(max_length=TEXT_MAX)] = ""
    limit: Annotated[Whole, Field(ge=1, le=SHOWN_MAX)] = 20


class AppSecret(Wire):
    """A client secret at Okta; ``known`` is whether a rotation has made or adopted it."""

    id: str
    status: Status
    created_at: Instant
    known: bool


class AppRotation(Wire):
    """The rotation that keeps an app; all is empty for who may not see it."""

    id: str
    name: str
    place: str


class App(Wire):
    """An OAuth app, and the types of rotation that would fit it.

    ``secrets`` is null where it has none by nature, or where Okta did not tell (``unread``).
    ``foreign`` counts those that no rotation knows; the app is ``crowded`` where one of them takes
    the room that a turn needs, so that its owner must consent to its retirement, or remove it.
    """

    id: str
    client_id: str
    label: str
    status: Status
    auth_method: str
    secrets: tuple[AppSecret, ...] | None
    unread: bool
    foreign: int
    crowded: bool
    rotation: AppRotation | None
    types: tuple[RotationType, ...]


class AppsAnswer(Wire):
    """Apps in Okta's order; ``more`` says that there may be others."""

    apps: tuple[App, ...]
    more: bool
