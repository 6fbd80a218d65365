"""What every shape on the wire shares: camelCase, and how numbers, ids and dates are written."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

YEAR_S = 31_536_000
TEXT_MAX = 255
PATH_MAX = 1024


class Wire(BaseModel):
    """A JSON object; unknown keys are ignored, and no error repeats what was sent."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
        frozen=True,
    )


def absent_if_empty(value: object) -> object:
    """Take a field that is there and empty for one that is absent."""
    return None if value == "" else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise PydanticCustomError("uuid", "must be a UUID") from None


def _truncated(value: object) -> object:
    """Cut a number, or a string that is one, to whole; leave the rest for the type to refuse."""
    if not isinstance(value, str | int | float):
        return value
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return value


Instant = Annotated[datetime, PlainSerializer(_iso, return_type=str, when_used="json")]
"""A moment, written in UTC with milliseconds and ``Z``."""

Id = Annotated[str, AfterValidator(_uuid)]
"""A UUID."""

Trimmed = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that is not empty, trimmed; whoever uses it bounds its length."""

Text = Annotated[Trimmed, StringConstraints(max_length=TEXT_MAX)]
"""A text that is not empty, trimmed, and short enough to be put on record."""

FolderPath = Annotated[Trimmed, StringConstraints(max_length=PATH_MAX)]
"""A path of folders."""

Whole = Annotated[int, BeforeValidator(_truncated)]
"""A number; a fraction is cut off, and a numeric string passes."""

Flag = Annotated[bool | None, BeforeValidator(absent_if_empty)]
"""A switch as clients write it: true, "true", "True"; empty is as if it were absent."""

Seconds = Annotated[Whole, Field(ge=0, le=YEAR_S)]
"""A length of time of a year at most."""
