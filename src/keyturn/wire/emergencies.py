"""Emergencies: many apps closed at once because their client secrets have leaked (ours)."""

from typing import Annotated, Literal

from pydantic import Field

from keyturn.wire.base import TEXT_MAX, Instant, Trimmed, Whole, Wire

PAGE_MAX = 1000
SELECTOR_MAX = 1000
REASON_MAX = 500
APPS_MAX = 10_000
WITHIN_MAX_S = 86_400
NUMBER_MAX = 2**53

State = Literal["awaiting", "running", "halted", "finished", "abandoned"]
Standing = Literal["waiting", "turning", "closed", "done", "failed", "skipped", "inactive"]
AppName = Annotated[Trimmed, Field(max_length=TEXT_MAX)]


class PlanEmergency(Wire):
    """An emergency as it is asked for: one of ``selector``, ``apps`` and ``all``.

    ``apps`` and ``leaked`` are app ids or client ids; the secrets of the ``leaked`` ones are known
    to be public, so that they are closed first. Consumers of an app have ``withinSeconds`` from
    when its new secret is served, and none without. ``revokeTokens`` is whether the refresh
    tokens of the apps are revoked too, once all are closed.
    """

    reason: Annotated[Trimmed, Field(max_length=REASON_MAX)]
    selector: Annotated[str, Field(max_length=SELECTOR_MAX)] = ""
    apps: Annotated[tuple[AppName, ...], Field(max_length=APPS_MAX)] = ()
    every: Annotated[bool, Field(alias="all")] = False
    leaked: Annotated[tuple[AppName, ...], Field(max_length=APPS_MAX)] = ()
    within_seconds: Annotated[Whole, Field(ge=0, le=WITHIN_MAX_S)] = 0
    revoke_tokens: bool = False


class BeginEmergency(PlanEmergency):
    """The emergency that was planned, by the hash of its plan."""

    plan_hash: Annotated[Trimmed, Field(max_length=64)]


class LeaveOutOfEmergency(Wire):
    """An app, by its id, that an emergency is to leave as it is."""

    app: AppName


class PlannedClosing(Wire):
    """An app in its place, and why there; ``closesInSeconds`` is when it is closed at the latest.

    ``withoutTime`` names who may be refused by then, of those that are known to use its secret.
    ``obstacles`` are on record, and may keep it from being closed before somebody acts.
    """

    number: int
    app_id: str
    rotation_id: str
    name: str
    label: str
    owner: str
    connection: str
    exposure: int
    why: tuple[str, ...]
    calls: int
    closes_in_seconds: int
    without_time: tuple[str, ...]
    obstacles: tuple[str, ...]


class UnmanagedApp(Wire):
    """An app that is meant and that no rotation keeps: somebody has to close it by hand."""

    app_id: str
    client_id: str
    label: str
    connection: str


class EmergencyPlan(Wire):
    """What an emergency will do; nothing has been done. It is begun by ``planHash``.

    ``unmanaged`` are not closed by it; ``byHand`` says what to do with them. ``appsPerMinute`` is
    by the address of each org, and all orgs are closed side by side.
    """

    members: tuple[PlannedClosing, ...]
    unmanaged: tuple[UnmanagedApp, ...]
    by_hand: str
    calls: int
    lasts_seconds: int
    apps_per_minute: dict[str, int]
    plan_hash: str


class EmergencyPlanAnswer(Wire):
    """One plan."""

    plan: EmergencyPlan


class Emergency(Wire):
    """An emergency and where it stands; ``open`` counts apps whose old secret may still work.

    Those that were left out (``skipped``) are among these, unless another emergency has closed
    them. A ``state`` of finished says that nothing is left to do, not that every app is closed.
    ``tidiedAt`` is since when no app waits to be closed, so that what was closed is deleted;
    ``revoked`` counts the apps whose refresh tokens have been revoked.
    """

    id: str
    name: str
    reason: str
    selector: str
    state: State
    told: str
    within_seconds: int
    revoke_tokens: bool
    apps: int
    open: int
    standings: dict[Standing, int]
    revoked: int
    plan_hash: str
    created_by: str
    creator: str
    created_at: Instant
    tidied_at: Instant | None
    ended_at: Instant | None


class EmergencyAnswer(Wire):
    """One emergency."""

    emergency: Emergency


class EmergenciesAnswer(Wire):
    """The emergencies of the organization, the newest first."""

    emergencies: tuple[Emergency, ...]


class Closing(Wire):
    """An app of an emergency, and how it stands.

    ``told`` says why it is not closed, or who had no time.
    """

    number: int
    app_id: str
    rotation_id: str
    name: str
    exposure: int
    why: str
    standing: Standing
    told: str
    turn_id: str | None
    begun_at: Instant | None
    closed_at: Instant | None
    revoked_at: Instant | None


class ClosingsQuery(Wire):
    """Which apps are wanted: all, or those that stand so."""

    standing: Standing | None = None
    offset: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100


class ClosingsAnswer(Wire):
    """Some of the ``total`` apps that are wanted, in the order of the emergency."""

    apps: tuple[Closing, ...]
    total: int


class OktaWord(Wire):
    """One answer of Okta's that proves something: when, its status, and Okta's request id."""

    at: Instant
    told: str
    request_id: str


class ClosingProof(Closing):
    """An app with what proves that it is closed; null is what has not been seen.

    ``onRecord`` is whether its turn is there still, whose record has what Okta answered: it goes
    with its rotation when somebody deletes that. ``deactivated`` is Okta's answer to the
    deactivation of the old secret, ``refused`` the one by which it refused that secret afterwards.
    The secrets are named by Okta's ids.
    """

    on_record: bool
    old_id: str | None
    new_id: str | None
    deactivated: OktaWord | None
    refused: OktaWord | None


class EmergencyEvidence(Wire):
    """Everything that is on record of an emergency; no value of a secret is in it."""

    emergency: Emergency
    apps: tuple[ClosingProof, ...]
    exported_at: Instant
