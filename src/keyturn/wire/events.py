"""Subscriptions to what changes in a project, and what subscribers are told.

In the words of Infisical's clients. What is told carries names and places, never a value.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from keyturn.wire.base import PATH_MAX, TEXT_MAX, Wire, absent_if_empty

REGISTERED_MAX = 10

EventName = Literal["secret:create", "secret:update", "secret:delete", "secret:import-mutation"]


class Conditions(Wire):
    """Where events are wanted from; a path that ends in ``/**`` is a folder and all below it."""

    environment_slug: Annotated[
        str | None, Field(max_length=TEXT_MAX), BeforeValidator(absent_if_empty)
    ] = None
    secret_path: Annotated[str, Field(max_length=PATH_MAX)] = "/"


class Registered(Wire):
    """An event that is wanted; without conditions, wherever it happens."""

    event: EventName
    conditions: Conditions | None = None


class Subscribe(Wire):
    """A subscription to events of a project."""

    project_id: str = Field(min_length=1, max_length=TEXT_MAX)
    registered: tuple[Registered, ...] = Field(
        alias="register", min_length=1, max_length=REGISTERED_MAX
    )


class ChangedPlace(Wire):
    """A folder that imports something which has changed."""

    environment: str
    secret_path: str


class Changed(ChangedPlace):
    """A secret that has changed."""

    secret_key: str


class EventData(Wire):
    """What has happened, and to what."""

    event_type: str
    payload: tuple[Changed, ...] | ChangedPlace


class Told(Wire):
    """The data of one event."""

    project_type: str = "secret-manager"
    data: EventData
