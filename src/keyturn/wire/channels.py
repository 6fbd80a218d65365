"""Channels: how notices are brought to people (ours)."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints
from pydantic_core import PydanticCustomError

from keyturn.wire.base import Instant, Text, Whole, Wire

Kind = Literal["email", "slack", "teams", "webhook"]
Rhythm = Literal["immediately", "hourly", "daily"]

PARTS_MAX = 10
PART_MAX = 4096
KINDS_MAX = 50
SELECTOR_MAX = 1000

Part = Annotated[str, StringConstraints(max_length=PART_MAX)]
Parts = Annotated[dict[Text, Part], Field(max_length=PARTS_MAX)]
Kinds = Annotated[tuple[Text, ...], Field(max_length=KINDS_MAX)]
Selected = Annotated[str, StringConstraints(max_length=SELECTOR_MAX)]
CLOCK = r"([01]\d|2[0-3]):[0-5]\d"


def _time_of_day(text: str) -> str:
    if not re.fullmatch(CLOCK, text):
        raise PydanticCustomError("time_of_day", "must be a time of day, 00:00 to 23:59")
    return text


TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), Field(json_schema_extra={"pattern": f"^{CLOCK}$"})
]
"""A time of day, HH:MM."""
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Timing(Wire):
    """When a channel may speak, by the clock of ``zone``.

    ``digestAt`` is when a daily digest comes. From ``quietFrom`` to ``quietTo``, which may lie
    beyond midnight, only what is urgent is brought.
    """

    digest: Rhythm = "immediately"
    digest_at: TimeOfDay | None = None
    zone: Zone = "UTC"
    quiet_from: TimeOfDay | None = None
    quiet_to: TimeOfDay | None = None


class CreateChannel(Wire):
    """A channel as somebody asks for it; what `settings` and `credential` hold is the kind's.

    Without ``projectId`` it hears of every project. ``selector`` says of which apps, ``kinds`` of
    what; empty is everything. A turn is told ``aheadS`` seconds before it starts.
    """

    name: Text
    kind: Kind
    project_id: Text | None = None
    settings: Parts = Field(default_factory=dict)
    credential: Parts = Field(default_factory=dict, repr=False)
    selector: Selected = ""
    kinds: Kinds = ()
    timing: Timing = Field(default_factory=Timing)
    ahead_s: Whole | None = None


class UpdateChannel(Wire):
    """What to change; settings that lead elsewhere need what is secret again."""

    name: Text | None = None
    settings: Parts | None = None
    credential: Parts | None = Field(default=None, repr=False)
    selector: Selected | None = None
    kinds: Kinds | None = None
    timing: Timing | None = None
    ahead_s: Whole | None = None
    paused: StrictBool | None = None


class Channel(Wire):
    """A channel, without what is secret of it.

    ``failingSince`` is since when nothing arrives, ``message`` why; ``nextAt`` is when there is
    something to do for it next.
    """

    id: str
    name: str
    kind: Kind
    project_id: str | None
    settings: Mapping[str, str]
    selector: str
    kinds: tuple[str, ...]
    timing: Timing
    ahead_s: int
    paused: bool
    failing_since: Instant | None
    message: str
    attempts: int
    next_at: Instant | None
    created_at: Instant
    updated_at: Instant


class ChannelAnswer(Wire):
    """One channel."""

    channel: Channel


class ChannelsAnswer(Wire):
    """Channels."""

    channels: tuple[Channel, ...]


class TrialAnswer(Wire):
    """Whether a message of a test has arrived; ``failure`` says why not."""

    delivered: bool
    failure: str


class Delivery(Wire):
    """A notice on its way through a channel, and what has come of it.

    ``nextAttemptAt`` is when it is brought, with others where ``digest`` says so; ``failure`` is
    why it has not arrived.
    """

    notice_id: str
    kind: str
    subject: str
    channel_id: str
    channel: str
    created_at: Instant
    digest: bool
    attempts: int
    delivered_at: Instant | None
    next_attempt_at: Instant | None
    failure: str


class DeliveriesAnswer(Wire):
    """What a channel was to bring, the newest first."""

    deliveries: tuple[Delivery, ...]
