"""A rotation: the standing order to turn one app's client secret.

Decides how a new rotation takes an app over without changing anything at Okta. Knows nothing of
how a turn goes.
"""

from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.errors import Refused
from keyturn.domain.ids import (
    AppId,
    ClientId,
    ConnectionId,
    FolderId,
    OktaSecretId,
    RotationId,
    TurnId,
)
from keyturn.domain.okta import MAX_CLIENT_SECRETS, App, AuthMethod, ClientSecret, Status
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Policy


@dataclass(frozen=True)
class SecretsMapping:
    """The names under which readers find the client id and the client secret."""

    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Rotation:
    """A stored rotation.

    ``parameter`` is what the operator entered (app id or client id); ``app_id`` and ``client_id``
    are what it was resolved to, once. ``last_message`` says what failed last, for people.
    ``ending`` is set while its secrets are being revoked: no turn starts any more.
    """

    id: RotationId
    folder_id: FolderId
    connection_id: ConnectionId
    name: str
    description: str | None
    parameter: str
    app_id: AppId
    client_id: ClientId
    auth_method: AuthMethod
    mapping: SecretsMapping
    schedule: Schedule
    policy: Policy
    active_index: int
    created_at: datetime
    updated_at: datetime
    last_attempted_at: datetime
    last_rotated_at: datetime
    last_turn_id: TurnId | None
    last_manual: bool
    last_message: str | None
    next_rotation_at: datetime | None
    ending: bool = False

    @property
    def failed(self) -> bool:
        """Say whether the last attempt left something to be told."""
        return self.last_message is not None


@dataclass(frozen=True)
class Adopt:
    """Serve the secret that the app has; retire the other one if its owner consents."""

    secret: ClientSecret
    retire: ClientSecret | None


@dataclass(frozen=True)
class IssueFirst:
    """Add a first managed secret beside what the app has."""

    retire: ClientSecret | None


def decide_onboarding(
    app: App,
    secrets: tuple[ClientSecret, ...],
    *,
    adopt_existing: bool,
    retire_existing: OktaSecretId | None,
) -> Adopt | IssueFirst:
    """Decide how a rotation takes over an app, touching nothing that is not ours.

    Raises Refused where the app has no use for a client secret, where ``retire_existing`` names
    none of its secrets, and where a foreign secret takes the room that a turn needs.
    """
    _require_fit(app)
    retire = next((s for s in secrets if s.id == retire_existing), None)
    if retire_existing and retire is None:
        raise Refused(f"App {app.id} has no client secret {retire_existing} to retire.")
    kept = tuple(s for s in secrets if s is not retire)
    if adopt_existing and len(kept) == 1 and kept[0].active and kept[0].value:
        return Adopt(kept[0], retire)
    if len(secrets) >= MAX_CLIENT_SECRETS:
        raise Refused(_no_room(app, secrets))
    return IssueFirst(retire)


def _require_fit(app: App) -> None:
    if app.status is not Status.ACTIVE:
        raise Refused(f"App {app.id} is {app.status} at Okta: its administrator must activate it.")
    if not app.auth_method.uses_secret:
        raise Refused(
            f"App {app.id} authenticates by {app.auth_method}, not with a client secret: "
            "there is nothing to rotate."
        )


def _no_room(app: App, secrets: tuple[ClientSecret, ...]) -> str:
    listed = ", ".join(f"{s.id} ({s.status}, made {s.created_at:%Y-%m-%d})" for s in secrets)
    return (
        f"App {app.id} already has {len(secrets)} client secrets at Okta, {listed}, and Okta's "
        "limit leaves no room to turn. Remove the one that is not in use, or consent to its "
        "retirement by naming it in parameters.retireExisting."
    )
