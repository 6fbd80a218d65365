"""A new rotation as the command line describes it: what is sent, and what it means at Okta."""

from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from keyturn.cli import options
from keyturn.cli.connection import find_connection

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rotations import CreateRotation, Rotation

NOTHING_CHANGED = "Nothing was changed."
OF_A_TURN = (
    "  1. list the app's client secrets, and stop if one that is not Keyturn's takes the room",
    "  2. add a client secret of Keyturn's own value",
    "  3. introspect a junk token with it, until Okta accepts the new secret",
    "     (then readers are served the new secret; the old one works on for the overlap)",
    "  4. list again, and deactivate the old client secret",
    "  5. after the soak, delete it",
)


class Draft(TypedDict):
    """The options of `keyturn rotation create`."""

    name: str
    connection: str
    environment: str
    path: str
    project: str
    client_id: str
    interval: int
    rotate_at: datetime
    map_client_id: str
    map_client_secret: str
    no_auto: bool
    no_adopt: bool
    retire_existing: str | None
    description: str | None
    overlap: int | None
    soak: int | None


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


def plan(draft: Draft) -> list[str]:
    """Say what creating the rotation will do at Okta, and what each turn will do."""
    adopting = [
        "  - when the app has one ACTIVE client secret and Okta shows its value: nothing;",
        "    that secret is adopted and served at once",
        "  - otherwise: add a first client secret beside what the app has",
    ]
    issuing = ["  - add a first client secret beside what the app has; nothing else is touched"]
    retire = draft["retire_existing"]
    every = f"Every {draft['interval']} days at {draft['rotate_at']:%H:%M} UTC"
    return [
        f"Creating rotation {draft['name']} will, at Okta (app {draft['client_id']}):",
        *(issuing if draft["no_adopt"] else adopting),
        *([f"  - retire client secret {retire}, after an overlap"] if retire else []),
        f"{'When somebody asks for it' if draft['no_auto'] else every}, a turn will:",
        *OF_A_TURN,
        NOTHING_CHANGED,
    ]


def plan_of_a_turn(rotation: "Rotation") -> list[str]:
    """Say what a turn will do at Okta."""
    heading = f"A turn of {rotation.name} (app {rotation.okta_app_id}) will, at Okta:"
    return [heading, *OF_A_TURN, NOTHING_CHANGED]


def plan_of_retiring(rotation: "Rotation", secret_id: str) -> list[str]:
    """Say what the consent to retire a client secret leads to at Okta."""
    return [
        f"Consent for {rotation.name} (app {rotation.okta_app_id}) will, at Okta:",
        f"  1. after {rotation.overlap_seconds} s, deactivate client secret {secret_id}",
        f"  2. after {rotation.soak_seconds} s more, delete it",
        NOTHING_CHANGED,
    ]


def _fields(draft: Draft) -> dict[str, object]:
    at, parameters = draft["rotate_at"], {"clientId": draft["client_id"]}
    adopt = {"adoptExisting": False} if draft["no_adopt"] else {}
    retire = {"retireExisting": draft["retire_existing"]} if draft["retire_existing"] else {}
    return {
        "name": draft["name"],
        "description": draft["description"],
        "environment": draft["environment"],
        "secretPath": draft["path"],
        "isAutoRotationEnabled": not draft["no_auto"],
        "rotationInterval": draft["interval"],
        "rotateAtUtc": {"hours": at.hour, "minutes": at.minute},
        "parameters": parameters | adopt | retire,
        "secretsMapping": {
            "clientId": draft["map_client_id"],
            "clientSecret": draft["map_client_secret"],
        },
        "overlapSeconds": draft["overlap"],
        "soakSeconds": draft["soak"],
    }
