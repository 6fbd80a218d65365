"""The key by which Keyturn itself logs in at an org, turned by the same machine as any other.

Its rotation lives in a folder that no path can name, so nobody reads it from there; when its turn
serves the new version, the connection uses it from the same commit on. The app at Okta is the
connection's own service app, which has to hold ``okta.apps.manage`` on itself.
"""

import json
from dataclasses import replace
from datetime import time

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.connection import OktaConnection, ServiceApp
from keyturn.domain.errors import Refused
from keyturn.domain.ids import FolderId
from keyturn.domain.okta import App, Credential, CredentialKind, KeyAlgorithm, hash_of, named
from keyturn.domain.orders import waits_for_next
from keyturn.domain.project import Environment, Folder, Place, Project
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.connections import (
    key_in_use,
    open_org,
    read_okta_connection,
    refuse_kept_app,
    use_key,
)
from keyturn.services.onboarding import RotationDraft, new_rotation
from keyturn.services.open_turns import open_turn, refuse_under_way
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import Where, place_of, target_of
from keyturn.services.records import must
from keyturn.services.rotations import RotationView, current_rotation
from keyturn.services.secrets import new_secret, new_version, next_number, promote
from keyturn.services.turns import rotate

KIND = CredentialKind.CONNECTION_KEY
MAPPING = SecretsMapping("CLIENT_ID", "PRIVATE_JWK")
BY_HAND = Schedule(90, time(0, 0), automatic=False)
"""A key is turned when somebody asks for it; its rotation may be given a schedule like any."""


async def turn_key(
    world: World, caller: Caller, connection_id: str, *, algorithm: KeyAlgorithm
) -> RotationView:
    """Turn the private key of a connection's service app; return once the connection uses the new.

    The first time, the key in use is recognised at Okta by its thumbprint. A blocked turn is
    resumed. Raises NotFound, Forbidden, OktaError, TurnFailed, and Refused: for a connection
    without a key, for a key that Okta does not list or another connection or rotation uses, and
    while a turn is under way or begins just now.
    """
    connection = await read_okta_connection(world, caller, connection_id)
    subject = f"connection {connection.name}: turn its key"
    target = Target(connection.project_id, connection_id=connection.id)
    await gate.require(world, caller, Verb.EDIT_CONNECTIONS, target, subject=subject)
    async with world.store.reading() as tx:
        in_use = await key_in_use(tx, world, connection.id)
    if in_use is None:
        raise Refused(
            f"Connection {connection.name} logs in with an API token, so it has no key to turn. "
            "Give it a service app's client id and private key instead."
        )
    async with world.store.reading() as tx:
        place = await _place(tx, world, connection)
    target = target_of(place, connection.id)
    await gate.require(world, caller, Verb.ROTATE, target, subject=subject)
    await _refuse_shared(world, connection, in_use)
    rotation = await _rotation_of(world, connection, in_use)
    async with world.store.writing() as writing:
        stored = await current_rotation(writing, rotation.id)
        turn = await open_turn(writing, stored)
        if turn and not waits_for_next(turn, stored.policy):  # who began it has said which key
            await refuse_under_way(writing, stored, blocked_too=False)
        await writing.replace(replace(stored, algorithm=algorithm))
    return await rotate(world, caller, rotation.id)


async def _place(tx: Reading, world: World, connection: OktaConnection) -> Place:
    """Return where the record of the key is kept, or will be."""
    kept = await tx.find(Rotation, connection_id=connection.id, kind=KIND)
    return await place_of(tx, kept.folder_id) if kept else await _home(tx, world, connection)


async def _refuse_shared(world: World, connection: OktaConnection, in_use: ServiceApp) -> None:
    """Refuse to turn a key that another connection uses: it would be left with a dead one."""
    async with world.store.reading() as tx:
        for other in await tx.list(OktaConnection, client_id=in_use.client_id):
            theirs = await key_in_use(tx, world, other.id)
            if theirs and other.id != connection.id and _same_key(theirs, in_use):
                raise Refused(
                    f"Connection {other.name} logs in with the same key as {connection.name}, and "
                    "would be left with a dead one. Give it a key of its own, or remove it."
                )


def _same_key(one: ServiceApp, other: ServiceApp) -> bool:
    return hash_of(KIND, one.private_jwk) == hash_of(KIND, other.private_jwk)


async def _rotation_of(world: World, connection: OktaConnection, in_use: ServiceApp) -> Rotation:
    """Return the rotation of the key in use; one that has lost track of it serves it first."""
    async with world.store.reading() as tx:
        await refuse_kept_app(tx, in_use)
        kept = await tx.find(Rotation, connection_id=connection.id, kind=KIND)
        if kept and (await open_turn(tx, kept) or await _keeps(tx, kept, in_use)):
            return kept
        org = await open_org(tx, world, connection.id, lambda call: None)
    app = await org.find_app(in_use.client_id)
    if app is None:
        raise Refused(
            f"Okta does not show {connection.name} its own app {in_use.client_id}: grant it "
            "okta.apps.read, and a role that reaches the app."
        )
    listed = await org.credentials_of(app.id, KIND).list()
    wanted = hash_of(KIND, in_use.private_jwk)
    held = next((key for key in listed if key.active and key.hash == wanted), None)
    if held is None:
        raise Refused(
            f"Okta lists no ACTIVE key of app {app.id} that is the one {connection.name} uses. "
            "A key that Okta fetches from a URI is turned where that URI is."
        )
    async with world.store.writing() as writing:
        record = await _still(writing, world, connection, in_use, kept)
        value = named(in_use.private_jwk, held.name)
        if value is not in_use.private_jwk:
            await use_key(writing, world, connection.id, value)
        rotation = record or await _add(writing, world, connection, app)
        return await _serve(writing, world, rotation, app, replace(held, value=value))


async def _still(
    tx: Reading,
    world: World,
    connection: OktaConnection,
    in_use: ServiceApp,
    kept: Rotation | None,
) -> Rotation | None:
    """Return the record as it is now, None where there is none yet.

    Raises Refused where it or the key is not any more what Okta was asked about, and while a turn
    is under way.
    """
    now_used = await key_in_use(tx, world, connection.id)
    records = await tx.list(Rotation, connection_id=connection.id, kind=KIND)
    same_record = [each.id for each in records] == ([kept.id] if kept else [])
    if not (same_record and now_used and _same_key(now_used, in_use)):
        raise Refused(
            f"Somebody else has begun to turn the key of {connection.name}, or has given it "
            "another, just now: nothing was changed by this request. Ask again when that is done."
        )
    for record in records:
        await refuse_under_way(tx, record)
    return records[0] if records else None


async def _keeps(tx: Reading, rotation: Rotation, in_use: ServiceApp) -> bool:
    """Say whether the record is of the key in use; one without a name lacks what Okta calls it."""
    name = rotation.mapping.client_secret
    secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    served = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
    same_key = served is not None and served.hash == hash_of(KIND, in_use.private_jwk)
    has_name = bool(json.loads(in_use.private_jwk.reveal()).get("kid"))
    return same_key and has_name and rotation.client_id == in_use.client_id


async def _add(tx: Writing, world: World, connection: OktaConnection, app: App) -> Rotation:
    """Add the rotation of a connection's key, with the names of what it is to keep."""
    place = await _home(tx, world, connection)
    draft, policy = _draft(connection, app, place), world.limits.policy
    rotation = new_rotation(world, draft, policy, place=place, connection=connection, app=app)
    names = (MAPPING.client_id, MAPPING.client_secret)
    secrets = (replace(new_secret(world, place, each), rotation_id=rotation.id) for each in names)
    await tx.add(place.folder, rotation, *secrets)
    return rotation


async def _serve(
    tx: Writing, world: World, rotation: Rotation, app: App, held: Credential
) -> Rotation:
    """Keep the key in use as the next version; turns and versions of those before it stay."""
    project = (await place_of(tx, rotation.folder_id)).project
    for secret in await tx.list(Secret, rotation_id=rotation.id):
        is_key = secret.name == rotation.mapping.client_secret
        value = held.value if is_key else Sensitive(app.client_id)
        number = await next_number(tx, secret.id)
        version = new_version(world, project, secret.id, number, value or Sensitive(""))
        if is_key:
            for known in await tx.list(Version, secret_id=secret.id, hash=held.hash):
                await tx.replace(known.become(State.DESTROYED))  # this one takes the value over
            made = held.created_at
            version = replace(version, hash=held.hash, okta_id=held.id, made_at=made)
        await tx.add(version)
        await promote(tx, version)
    after = replace(
        rotation,
        parameter=app.client_id,
        app_id=app.id,
        client_id=app.client_id,
        auth_method=app.auth_method,
    )
    await tx.replace(after)
    return after


async def _home(tx: Reading, world: World, connection: OktaConnection) -> Place:
    """Make a folder in the connection's project, or in the first one, that no path can name."""
    organization_id = connection.organization_id
    projects = await tx.list(Project, organization_id=organization_id)
    project = next((p for p in projects if connection.project_id in (None, p.id)), None)
    environments = await tx.list(Environment, project_id=project.id) if project else ()
    if project is None or not environments:
        raise Refused("There is no project with an environment to keep the key's versions in.")
    path = f"/.connection-keys/{connection.id}"
    now = world.clock.now()
    folder = Folder(FolderId(world.chance.uuid()), environments[0].id, path, now, now)
    return Place(project, environments[0], folder)


def _draft(connection: OktaConnection, app: App, place: Place) -> RotationDraft:
    return RotationDraft(
        name=f"key-of-{connection.name}",
        description=f"The key by which Keyturn logs in as {connection.name}.",
        where=Where(place.project.id, place.environment.slug, place.folder.path),
        connection_id=connection.id,
        parameter=app.client_id,
        mapping=MAPPING,
        schedule=BY_HAND,
        kind=KIND,
    )
