"""A new rotation as the command line describes it: what is sent, and what it means at Okta."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from keyturn.cli import options
from keyturn.cli.connection import find_connection
from keyturn.cli.rotation_policy import PolicyWords, policy_fields
from keyturn.cli.rotation_schedule import ScheduleWords, schedule_fields, schedule_words
from keyturn.cli.turn_plan import NOTHING_CHANGED, plan_of_a_creation, steps_of_a_turn
from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.plans import CreationPlan
    from keyturn.wire.rotations import CreateRotation, Rotation, RotationType


class Draft(ScheduleWords, PolicyWords):
    """The options of `keyturn rotation create`."""

    name: str
    connection: str
    environment: str
    path: str
    project: str
    kind: "RotationType"
    key_algorithm: str | None
    client_id: str
    interval: int
    rotate_at: datetime
    map_client_id: str
    map_client_secret: str | None
    no_auto: bool
    no_adopt: bool
    retire_existing: str | None
    retire_existing_made: datetime | None
    description: str | None
    existing_value_stdin: bool


async def body(api: "KeyturnApi", draft: Draft) -> "CreateRotation":
    """Return what to send; the project and the connection are looked up by name.

    Raises UsageError naming the option that does not fit.
    """
    from keyturn.wire.rotations import CreateRotation

    project_id = (await api.read_project(draft["project"])).id
    fields = _fields(draft)
    fields |= {"projectId": project_id}
    fields |= {"connectionId": (await find_connection(api, project_id, draft["connection"])).id}
    return options.checked(CreateRotation, fields)


def plan(draft: Draft, told: "CreationPlan") -> list[str]:
    """Say what creating the rotation will do at Okta, and what each turn will do."""
    every = schedule_words(draft, interval=draft["interval"], rotate_at=draft["rotate_at"])
    return plan_of_a_creation(told, "When somebody asks for it" if draft["no_auto"] else every)


def plan_of_a_key(connection: str) -> list[str]:
    """Say what a turn of a connection's own key will do at Okta."""
    heading = f"A turn of the key of connection {connection} will, at Okta:"
    return [heading, *steps_of_a_turn("okta-connection-key"), NOTHING_CHANGED]


def plan_of_retiring(rotation: "Rotation", secret_id: str) -> list[str]:
    """Say what the consent to retire a client secret leads to at Okta."""
    return [
        f"Consent for {rotation.name} (app {rotation.okta_app_id}) will, at Okta:",
        f"  1. after {spoken(rotation.overlap_seconds)}, deactivate client secret {secret_id}",
        f"  2. after {spoken(rotation.soak_seconds)} more, delete it",
        NOTHING_CHANGED,
    ]


def plan_of_adopting(rotation: "Rotation", secret_id: str) -> list[str]:
    """Say what the adoption of a client secret leads to at Okta."""
    return [
        f"Adopting for {rotation.name} (app {rotation.okta_app_id}) will:",
        f"  1. at Okta: introspect a junk token with client secret {secret_id}; nothing changes",
        "  2. serve it to readers in place of the one that is served now",
        f"  3. at Okta: after {spoken(rotation.overlap_seconds)} at least, deactivate that one;",
        f"     after {spoken(rotation.soak_seconds)} more, delete it",
        NOTHING_CHANGED,
    ]


def read_value() -> str:
    """Read a secret value from stdin. Raises UsageError where there is none."""
    value = sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise click.UsageError("stdin holds no value: pipe it in, so that no history keeps it.")
    return value


def _fields(draft: Draft) -> dict[str, object]:
    at, parameters = draft["rotate_at"], {"clientId": draft["client_id"]}
    adopt = {"adoptExisting": False} if draft["no_adopt"] else {}
    made = draft["retire_existing_made"]
    retire = {"retireExisting": draft["retire_existing"]} if draft["retire_existing"] else {}
    retire |= {"retireExistingMade": made.date().isoformat()} if made else {}
    value = {"existingValue": read_value()} if draft["existing_value_stdin"] else {}
    algorithm = {"keyAlgorithm": draft["key_algorithm"]} if draft["key_algorithm"] else {}
    secret = "OKTA_PRIVATE_JWK" if draft["kind"] == "okta-client-key" else "OKTA_CLIENT_SECRET"
    schedule = schedule_fields(draft)
    return {
        **({"schedule": schedule} if schedule else {}),
        "name": draft["name"],
        "description": draft["description"],
        "environment": draft["environment"],
        "secretPath": draft["path"],
        "isAutoRotationEnabled": not draft["no_auto"],
        "rotationInterval": draft["interval"],
        "rotateAtUtc": {"hours": at.hour, "minutes": at.minute},
        "parameters": parameters | algorithm | adopt | retire | value,
        "secretsMapping": {
            "clientId": draft["map_client_id"],
            "clientSecret": draft["map_client_secret"] or secret,
        },
        **policy_fields(draft),
    }
