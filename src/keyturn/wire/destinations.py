"""Destinations: other stores that secrets are brought to (ours)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from keyturn.wire.base import FolderPath, Instant, Text, Wire

Kind = Literal[
    "aws-secrets-manager", "github-actions", "kubernetes", "hashicorp-vault", "webhook", "file"
]
State = Literal["waiting", "confirmed", "blocked", "paused"]
Standing = Literal["confirmed", "due", "left out"]

PARTS_MAX = 20
NAMES_MAX = 200
PREFIX_MAX = 200
VALUE_MAX = 16_384

Part = Annotated[str, StringConstraints(max_length=VALUE_MAX)]
Parts = Annotated[dict[Text, Part], Field(max_length=PARTS_MAX)]
Names = Annotated[tuple[Text, ...], Field(max_length=NAMES_MAX)]
Mapped = Annotated[dict[Text, Text], Field(max_length=NAMES_MAX)]
Prefix = Annotated[str, StringConstraints(max_length=PREFIX_MAX)]


class CreateDestination(Wire):
    """A destination as somebody asks for it; what `settings` and `credential` hold is the kind's.

    ``secrets`` names those of the folder that are brought, or none for all. A secret is called
    there as ``mapping`` says, or else by its name behind ``prefix``. A turn waits for a
    ``required`` one.
    """

    name: Text
    kind: Kind
    project_id: Text
    environment: Text
    secret_path: FolderPath = "/"
    settings: Parts = Field(default_factory=dict)
    credential: Parts = Field(default_factory=dict, repr=False)
    secrets: Names = ()
    mapping: Mapped = Field(default_factory=dict)
    prefix: Prefix = ""
    required: StrictBool = True


class UpdateDestination(Wire):
    """What to change; other settings need the credential again, because none is sent elsewhere."""

    name: Text | None = None
    settings: Parts | None = None
    credential: Parts | None = Field(default=None, repr=False)
    secrets: Names | None = None
    mapping: Mapped | None = None
    prefix: Prefix | None = None
    required: StrictBool | None = None
    paused: StrictBool | None = None


class Destination(Wire):
    """A destination, without its credential.

    ``message`` says why it has not confirmed, ``nextTryAt`` when it is looked at next, and
    ``confirmedBy`` what counts as a confirmation there.
    """

    id: str
    name: str
    kind: Kind
    project_id: str
    environment: str
    secret_path: str
    settings: Mapping[str, str]
    secrets: tuple[str, ...]
    mapping: Mapping[str, str]
    prefix: str
    required: bool
    state: State
    message: str
    attempts: int
    next_try_at: Instant | None
    confirmed_by: str
    created_at: Instant
    updated_at: Instant


class DestinationAnswer(Wire):
    """One destination."""

    destination: Destination


class DestinationsAnswer(Wire):
    """The destinations of a project."""

    destinations: tuple[Destination, ...]


class Delivery(Wire):
    """One secret that a destination covers: the version that is served, and the one it has.

    ``state`` is ``confirmed``, ``due``, or ``left out`` for one whose value refers to others.
    ``shown`` is what the destination showed of it.
    """

    secret: str
    target: str
    version: int
    confirmed_version: int | None
    confirmed_at: Instant | None
    shown: str
    state: Standing


class DeliveriesAnswer(Wire):
    """What a destination covers."""

    deliveries: tuple[Delivery, ...]
