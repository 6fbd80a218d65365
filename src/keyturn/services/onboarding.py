"""Create a rotation: take an app over without changing what it has at Okta.

Everything that may be refused is looked at before anything is stored, so that a refusal leaves
nothing behind.
"""

from dataclasses import dataclass, field, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import RotationId, VersionNo
from keyturn.domain.okta import App, Credential, CredentialKind, KeyAlgorithm, Probe
from keyturn.domain.outlook import rescheduled
from keyturn.domain.project import Place, Project
from keyturn.domain.rotation import (
    Adopt,
    IssueFirst,
    Rotation,
    SecretsMapping,
    decide_onboarding,
)
from keyturn.domain.schedule import LastTurn, Schedule
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Held, Phase, Policy, Reason, Trigger, Turn
from keyturn.services import gate
from keyturn.services.connections import open_org
from keyturn.services.journey import advance
from keyturn.services.outbox import wake_destinations
from keyturn.services.policies import PolicyChange, changed_policy
from keyturn.services.ports import OktaOrg, Reading, World, Writing
from keyturn.services.projects import Where, read_place, resolve_project
from keyturn.services.records import must, note_step
from keyturn.services.removal import remove_rotation, remove_secret
from keyturn.services.rotations import (
    RotationView,
    checked_mapping,
    refuse_mapped_names,
    view,
)
from keyturn.services.schedules import checked_interval
from keyturn.services.secrets import new_secret, new_version
from keyturn.services.turns import claimed, consented, planned, stranger


@dataclass(frozen=True)
class RotationDraft:
    """A rotation as somebody asks for it; ``parameter`` is the app's id or its client id."""

    name: str
    description: str | None
    where: Where
    connection_id: str
    parameter: str
    mapping: SecretsMapping
    schedule: Schedule
    adopt_existing: bool = True
    retire_existing: Consent | None = None
    existing_value: Sensitive | None = None
    policy: PolicyChange = field(default_factory=PolicyChange)
    kind: CredentialKind = CredentialKind.CLIENT_SECRET
    algorithm: KeyAlgorithm = KeyAlgorithm.RS256


@dataclass(frozen=True)
class _Stage:
    """What a checked draft rests on, and whose it is."""

    caller: Caller
    place: Place
    connection: OktaConnection
    app: App
    org: OktaOrg


@dataclass(frozen=True)
class Prospect:
    """What creating a rotation would do, as its app stands now; no value is in it.

    ``rotation`` is as it would begin, and ``takes`` None where that follows from a value which is
    not given yet.
    """

    rotation: Rotation
    place: Place
    connection: OktaConnection
    app: App
    secrets: tuple[Credential, ...]
    takes: Adopt | IssueFirst | None


@dataclass(frozen=True)
class TakenNames:
    """Which names of rotations and of secrets are in use in a folder."""

    rotations: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


async def create_rotation(world: World, caller: Caller, draft: RotationDraft) -> RotationView:
    """Create a rotation and serve its app's client secret under the mapped names.

    The app's one ACTIVE secret is adopted where Okta shows its value; otherwise a first managed
    secret is issued beside it. Raises InvalidInput, Forbidden, NotFound, Taken, Refused, and
    OktaError; nothing is stored or changed then.
    """
    draft, policy = _checked(world, draft)
    stage = await _stage(world, caller, draft)
    plan = _decided(draft, stage.app, await _listed(stage, draft))
    rotation = _new(world, draft, policy, stage)
    if isinstance(plan, Adopt):
        return await _adopt(world, stage, rotation, plan)
    return await _issue_first(world, stage, rotation, plan)


async def preview_rotation(
    world: World, caller: Caller, draft: RotationDraft, *, value_follows: bool = False
) -> Prospect:
    """Tell what creating a rotation would do; nothing is stored, and Okta is only read.

    With ``value_follows`` the value of a secret that the app has is to be entered when it is
    created. Raises as `create_rotation`, as far as that can be known before.
    """
    draft, policy = _checked(world, draft)
    stage = await _stage(world, caller, draft, " (preview)")
    secrets = await _listed(stage, draft)
    consent = draft.retire_existing
    judged = [each for each in secrets if consent and each.id == consent.id]
    plan = _decided(draft, stage.app, tuple(judged) if value_follows else secrets)
    if isinstance(plan, Adopt):
        plan = replace(plan, secret=replace(plan.secret, value=None))
    return Prospect(
        _new(world, draft, policy, stage),
        stage.place,
        stage.connection,
        stage.app,
        tuple(replace(each, value=None) for each in secrets),
        None if value_follows else plan,
    )


async def find_taken_names(
    world: World,
    caller: Caller,
    where: Where,
    connection_id: str,
    asked: TakenNames | None = None,
) -> TakenNames:
    """Tell which of the names that are ``asked`` for are in use where a rotation is to be.

    Raises InvalidInput, Forbidden, NotFound, and Refused where there is no such folder.
    """
    asked, path = asked or TakenNames(), names.secret_path(where.path)
    project_id = await resolve_project(world, where.project)
    target = Target(project_id, where.environment, path, connection_id)
    subject = f"rotation {where} (names)"
    await gate.require(world, caller, Verb.CREATE_ROTATIONS, target, subject=subject)
    async with world.store.reading() as tx:
        folder_id = (await read_place(tx, project_id, where)).folder.id
        rotations = await tx.list(Rotation, folder_id=folder_id, name=asked.rotations)
        secrets = await tx.list(Secret, folder_id=folder_id, name=asked.secrets)
    return TakenNames(
        frozenset(one.name for one in rotations), frozenset(one.name for one in secrets)
    )


async def _listed(stage: _Stage, draft: RotationDraft) -> tuple[Credential, ...]:
    return await stage.org.credentials_of(stage.app.id, draft.kind).list()


def _decided(draft: RotationDraft, app: App, secrets: tuple[Credential, ...]) -> Adopt | IssueFirst:
    return decide_onboarding(
        app,
        secrets,
        adopt_existing=draft.adopt_existing,
        retire_existing=draft.retire_existing,
        entered=draft.existing_value,
        kind=draft.kind,
    )


def _checked(world: World, draft: RotationDraft) -> tuple[RotationDraft, Policy]:
    if draft.kind.rules.of_connection:
        raise Refused("The key of a connection is turned by POST …/{connectionId}/turn-key.")
    checked_interval(draft.schedule.interval_days)
    if not draft.parameter.strip():
        raise InvalidInput(FieldProblem(("parameters", "clientId"), "must not be empty"))
    clean = replace(
        draft,
        name=names.slug("name", draft.name),
        description=names.description(draft.description),
        parameter=draft.parameter.strip(),
        mapping=checked_mapping(draft.mapping),
        where=replace(draft.where, path=names.secret_path(draft.where.path)),
    )
    return clean, changed_policy(world.limits, world.limits.policy, draft.policy)


async def _stage(world: World, caller: Caller, draft: RotationDraft, aim: str = "") -> _Stage:
    project_id = await resolve_project(world, draft.where.project)
    subject = f"rotation {draft.where}:{draft.name}{aim}"
    environment, path = draft.where.environment, draft.where.path
    target = Target(project_id, environment, path, draft.connection_id)
    for verb in (Verb.CREATE_ROTATIONS, Verb.USE_CONNECTIONS):
        await gate.require(world, caller, verb, target, subject=subject)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, draft.where)
        connection = await _connection(tx, caller, draft, place)
        await _refuse_taken(tx, place, draft.name, draft.mapping)
        org = await open_org(tx, world, connection.id, lambda call: None)
    app = await org.find_app(draft.parameter, draft.kind)
    if app is None:
        raise Refused(
            f"The org {connection.instance_url} has no OAuth app with the app id or client id "
            f"{draft.parameter!r}. Look it up in the Okta admin console."
        )
    stage = _Stage(caller, place, connection, app, org)
    async with world.store.reading() as tx:
        await _refuse_second_rotation(tx, stage)
        await _refuse_own_app(tx, stage)
    return stage


async def _connection(
    tx: Reading, caller: Caller, draft: RotationDraft, place: Place
) -> OktaConnection:
    found = await tx.find(OktaConnection, id=draft.connection_id)
    usable = found and found.organization_id == caller.organization_id
    if found is None or not usable or found.project_id not in (None, place.project.id):
        raise NotFound(f"There is no Okta connection {draft.connection_id} for this project.")
    return found


async def _refuse_taken(tx: Reading, place: Place, name: str, mapping: SecretsMapping) -> None:
    if await tx.find(Rotation, folder_id=place.folder.id, name=name):
        raise Taken(f"There is a rotation {name} in {place} already: choose another name.")
    await refuse_mapped_names(tx, place, mapping.client_id, mapping.client_secret)


async def _refuse_second_rotation(tx: Reading, stage: _Stage) -> None:
    """Judge by the app id alone: an org may be known by several addresses, an app by one id."""
    for other in await tx.list(Rotation, app_id=stage.app.id):
        raise Taken(
            f"App {stage.app.id} is kept by rotation {other.name} already; two would work against "
            "each other. Read its secret from there."
        )


async def _refuse_own_app(tx: Reading, stage: _Stage) -> None:
    """Keep what Keyturn itself logs in with out of a turn that does not know of that."""
    for connection in await tx.list(OktaConnection, client_id=stage.app.client_id):
        home = connection.project_id or stage.place.project.id
        slug = (await must(tx.find(Project, id=home))).slug
        raise Refused(
            f"Connection {connection.name} logs in as app {stage.app.id}. Its key is turned by "
            f"`keyturn connection okta turn-key {connection.name} --project {slug}`."
        )


async def _refuse_meanwhile(tx: Reading, stage: _Stage, rotation: Rotation) -> None:
    """Look again inside the transaction that stores: somebody may have been quicker."""
    await _refuse_taken(tx, stage.place, rotation.name, rotation.mapping)
    await _refuse_second_rotation(tx, stage)
    await _refuse_own_app(tx, stage)


def _new(world: World, draft: RotationDraft, policy: Policy, stage: _Stage) -> Rotation:
    place, connection, app = stage.place, stage.connection, stage.app
    return new_rotation(world, draft, policy, place=place, connection=connection, app=app)


def new_rotation(
    world: World,
    draft: RotationDraft,
    policy: Policy,
    *,
    place: Place,
    connection: OktaConnection,
    app: App,
) -> Rotation:
    """Make the record of a rotation that begins now, and has not turned yet."""
    now = world.clock.now()
    rotation = Rotation(
        id=RotationId(world.chance.uuid()),
        folder_id=place.folder.id,
        connection_id=connection.id,
        name=draft.name,
        description=draft.description,
        parameter=draft.parameter,
        app_id=app.id,
        client_id=app.client_id,
        auth_method=app.auth_method,
        mapping=draft.mapping,
        schedule=draft.schedule,
        policy=policy,
        active_index=0,
        created_at=now,
        updated_at=now,
        last_attempted_at=now,
        last_rotated_at=now,
        last_turn_id=None,
        last_manual=True,
        last_message=None,
        next_rotation_at=None,
        checked_at=now,
        kind=draft.kind,
        algorithm=draft.algorithm,
    )
    return rescheduled(rotation, LastTurn(now, manual=True))


async def _adopt(world: World, stage: _Stage, rotation: Rotation, plan: Adopt) -> RotationView:
    value = plan.secret.value or Sensitive("")
    if await stage.org.probe(rotation.client_id, value, rotation.auth_method) is Probe.REJECTED:
        raise Refused(
            f"Okta lists client secret {plan.secret.id} of app {rotation.app_id} as ACTIVE and "
            "does not accept it. Look at how the app authenticates."
        )
    client_id, client_secret = _mapped(world, stage, rotation)
    versions = [
        _first_version(world, stage, client_id, Sensitive(rotation.client_id)),
        replace(
            _first_version(world, stage, client_secret, value),
            hash=plan.secret.hash,
            okta_id=plan.secret.id,
            made_at=plan.secret.created_at,
        ),
    ]
    async with world.store.writing() as tx:
        await _refuse_meanwhile(tx, stage, rotation)
        await tx.add(rotation, client_id, client_secret)
        await tx.add(*(version.become(State.CURRENT) for version in versions))
        await wake_destinations(tx, rotation.folder_id, rotation.created_at)
        if plan.retire:
            served = Held(plan.secret.hash, plan.secret.id, VersionNo(1))
            await _begin(tx, stage, consented(world, rotation, served, plan.retire), plan.retire)
    return await view(world, rotation.id)


async def _issue_first(
    world: World, stage: _Stage, rotation: Rotation, plan: IssueFirst
) -> RotationView:
    client_id, client_secret = _mapped(world, stage, rotation)
    old = stranger(plan.retire) if plan.retire else None
    turn = claimed(world, planned(world, rotation, Trigger.FIRST, old))
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as tx:
        await _refuse_meanwhile(tx, stage, rotation)
        await tx.add(rotation, client_id, client_secret)
        await tx.add(_first_version(world, stage, client_id, Sensitive(rotation.client_id)))
        await _begin(tx, stage, turn, plan.retire)
    turn = await advance(world, turn, held_since_s=held_since_s)
    if turn.blocked and _never_issued(turn):
        async with world.store.writing() as tx:
            await _undo(tx, rotation)
        raise Refused(str(turn.blocked))
    return await view(world, rotation.id)


async def _begin(tx: Writing, stage: _Stage, turn: Turn, retire: Credential | None) -> None:
    """Add a turn, with who asked for it, and consented to what."""
    told = f"To retire {retire.id}, made {retire.created_at:%Y-%m-%d}. " if retire else ""
    await tx.add(turn)
    what, told = "consent" if retire else "turn", f"{told}By {stage.caller.name}."
    await note_step(tx, turn, what, told, turn.created_at)


def _never_issued(turn: Turn) -> bool:
    """Say whether Okta refused for good before it had the new secret."""
    why = turn.blocked
    return (
        why is not None
        and why.phase in (Phase.PLANNED, Phase.WRITTEN)
        and why.reason is not Reason.VALUE_NOT_KEPT
    )


async def _undo(tx: Writing, rotation: Rotation) -> None:
    for secret in await tx.list(Secret, rotation_id=rotation.id):
        await remove_secret(tx, secret)
    await remove_rotation(tx, rotation)


def _mapped(world: World, stage: _Stage, rotation: Rotation) -> tuple[Secret, Secret]:
    client_id = new_secret(world, stage.place, rotation.mapping.client_id)
    client_secret = new_secret(world, stage.place, rotation.mapping.client_secret)
    return replace(client_id, rotation_id=rotation.id), replace(
        client_secret, rotation_id=rotation.id
    )


def _first_version(world: World, stage: _Stage, secret: Secret, value: Sensitive) -> Version:
    return new_version(world, stage.place.project, secret.id, VersionNo(1), value)
