"""A rotation: the standing order to turn one app's client secret.

Decides how a new rotation takes an app over without changing anything at Okta. Knows nothing of
how a turn goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.errors import Refused
from keyturn.domain.foreign import Consent, heed
from keyturn.domain.ids import (
    AppId,
    ClientId,
    ConnectionId,
    FolderId,
    RotationId,
    TurnId,
)
from keyturn.domain.okta import (
    App,
    AuthMethod,
    Credential,
    CredentialKind,
    KeyAlgorithm,
    Rules,
    Status,
    hash_of,
    named,
)
from keyturn.domain.schedule import Schedule
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import ByFlow, Policy, Turn

CONSENT = (
    "`keyturn rotation create` with --retire-existing and --retire-existing-made, by HTTP "
    "parameters.retireExisting and retireExistingMade"
)
"""How somebody consents to the retirement of what an app has."""


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
    ``ending`` is set while its secrets are being revoked: no turn starts any more. ``checked_at``
    is when it was last compared with Okta, None where that is wanted. ``due_at`` is the moment that
    the schedule asks for and ``next_rotation_at`` when its turn starts; ``last_due_at`` is what the
    schedule started a turn for last, ``failures`` how often it did so since one was served.
    ``asked_at`` is when ``asked_by`` asked for a turn that starts once the open one has ended,
    ``asked`` the flow that did, and ``asked_emergency`` whether it waits for nobody then.
    ``algorithm`` is what new client keys sign with; nothing else has one.
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
    checked_at: datetime | None = None
    due_at: datetime | None = None
    last_due_at: datetime | None = None
    failures: int = 0
    asked_at: datetime | None = None
    asked_by: str | None = None
    asked_emergency: bool = False
    asked: ByFlow | None = None
    kind: CredentialKind = CredentialKind.CLIENT_SECRET
    algorithm: KeyAlgorithm = KeyAlgorithm.RS256

    @property
    def failed(self) -> bool:
        """Say whether the last attempt left something to be told."""
        return self.last_message is not None

    @property
    def quarantined(self) -> bool:
        """Say whether so many turns have failed in a row that none starts by itself."""
        return 0 < self.schedule.quarantine_after <= self.failures


@dataclass(frozen=True)
class RotationSight:
    """A rotation, its open or last turn, and since when there is what readers are given."""

    rotation: Rotation
    turn: Turn | None
    issued_at: datetime | None


@dataclass(frozen=True)
class Adopt:
    """Serve the secret that the app has; retire the other one if its owner consents."""

    secret: Credential
    retire: Credential | None


@dataclass(frozen=True)
class IssueFirst:
    """Add a first managed secret beside what the app has."""

    retire: Credential | None


def decide_onboarding(
    app: App,
    secrets: tuple[Credential, ...],
    *,
    adopt_existing: bool,
    retire_existing: Consent | None,
    entered: Sensitive | None = None,
    kind: CredentialKind = CredentialKind.CLIENT_SECRET,
) -> Adopt | IssueFirst:
    """Decide how a rotation takes over an app, touching nothing that is not ours.

    ``entered`` is the value of one of its secrets, for an org that does not show it; it is proved
    by Okta's hash. Raises Refused where the app has no use for that kind of credential, where
    ``retire_existing`` names none of its secrets by id and day, where ``entered`` is the value of
    none of them, and where a foreign secret takes the room that a turn needs.
    """
    rules = kind.rules
    _require_fit(app, rules)
    retire = _consented(app, secrets, retire_existing, rules) if retire_existing else None
    kept = tuple(s for s in secrets if s is not retire)
    if entered:
        return Adopt(known_by_value(kind, kept, entered), retire)
    if adopt_existing and len(kept) == 1 and kept[0].active and kept[0].value:
        return Adopt(kept[0], retire)
    crowded = no_room(app.id, secrets, rules)
    if crowded:
        raise Refused(crowded)
    return IssueFirst(retire)


def _consented(
    app: App, secrets: tuple[Credential, ...], consent: Consent, rules: Rules
) -> Credential:
    found = next((s for s in secrets if s.id == consent.id), None)
    if found is None:
        raise Refused(f"App {app.id} has no {rules.noun} {consent.id} to retire.")
    heed(consent, found)
    return found


def known_by_value(
    kind: CredentialKind, secrets: tuple[Credential, ...], entered: Sensitive
) -> Credential:
    """Return the ACTIVE credential that has this value, with it. Raises Refused where none has."""
    try:
        wanted = hash_of(kind, entered)
    except ValueError:
        wanted = None
    found = next((s for s in secrets if s.active and s.hash == wanted), None)
    if found is None:
        raise Refused(f"The value that was entered is that of no ACTIVE {kind.rules.noun} of it.")
    return replace(found, value=named(entered, found.name) if kind.rules.are_keys else entered)


def _require_fit(app: App, rules: Rules) -> None:
    told = unfit(app.id, app.status, app.auth_method, rules)
    if told:
        raise Refused(told)


def unfit(app_id: AppId, status: Status, auth_method: str, rules: Rules) -> str:
    """Say why an app has no use for a kind of credential, or nothing."""
    if status is not Status.ACTIVE:
        return f"App {app_id} is {status} at Okta: its administrator must activate it."
    if auth_method not in rules.methods:
        return (
            f"App {app_id} authenticates by {auth_method}, not with a {rules.noun}: there is "
            "nothing to rotate. Another way is for its administrator to choose; a switch to keys "
            "deletes the app's client secrets at Okta."
        )
    return ""


def no_room(app_id: AppId, credentials: Sequence[Credential], rules: Rules) -> str:
    """Say why none can be added beside the credentials that an app has, or nothing."""
    if len(credentials) < rules.most:
        return ""
    listed = ", ".join(f"{s.id} ({s.status}, made {s.created_at:%Y-%m-%d})" for s in credentials)
    return (
        f"App {app_id} already has {len(credentials)} {rules.noun}s at Okta, {listed}, and Okta's "
        "limit leaves no room to turn. Remove the one that is not in use, or consent to its "
        f"retirement by its id and day: {CONSENT}."
    )
