"""End a rotation: what stays readable, what Okta is asked to remove, and in which order."""

from collections.abc import Sequence
from dataclasses import replace

from keyturn.domain.access import Caller, Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import Refused
from keyturn.domain.okta import Credential
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.services.connections import open_org
from keyturn.services.generated_credentials import list_versions
from keyturn.services.open_turns import give_up, open_turn, refuse_under_way
from keyturn.services.ports import AppCredentials, World, Writing
from keyturn.services.removal import remove_rotation, remove_secret, remove_whole
from keyturn.services.rotations import RotationView, admit, current_rotation, view


async def delete_rotation(
    world: World, caller: Caller, rotation_id: str, *, delete_secrets: bool, revoke: bool
) -> RotationView:
    """End a rotation; the served secret works on unless ``revoke`` asks Okta to remove it.

    Without ``delete_secrets`` the mapped secrets stay, readable and free to edit. With ``revoke``
    serving ends first; where Okta then fails, the same request goes on where it stopped. Raises
    NotFound, Forbidden, OktaError, and Refused: while a turn is under way, for revoking what stays
    readable, and for revoking an app's only active secret.
    """
    detail = f"delete secrets: {delete_secrets}, revoke: {revoke}"
    rotation = await admit(world, caller, Verb.DELETE_ROTATIONS, rotation_id, detail=detail)
    if revoke and not delete_secrets:
        raise Refused(
            "Revoking the client secret while its value stays readable would hand readers a dead "
            "secret. Set deleteSecrets=true as well, or leave revokeGeneratedCredentials out."
        )
    of_connection = rotation.kind.rules.of_connection
    if revoke and of_connection:
        raise Refused(
            "The connection logs in with this key, and it stays. Leave revokeGeneratedCredentials "
            "out, or replace the connection's credentials first."
        )
    seen = await view(world, rotation_id)
    if revoke:
        await _revoke(world, caller, rotation)
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        await refuse_under_way(tx, rotation, blocked_too=False)
        if of_connection:
            await remove_whole(tx, rotation)
            return seen
        await _release_secrets(tx, rotation, delete=delete_secrets)
        await remove_rotation(tx, rotation)
    return seen


async def _revoke(world: World, caller: Caller, rotation: Rotation) -> None:
    """Stop serving, then remove from Okta what this rotation made or adopted."""
    async with world.store.reading() as tx:
        org = await open_org(tx, world, rotation.connection_id, lambda call: None)
        versions = await list_versions(tx, rotation)
    noun = rotation.kind.rules.noun
    ours = {v.okta_id for v in versions} | {v.hash for v in versions}
    at_okta = org.credentials_of(rotation.app_id, rotation.kind)
    listed = await at_okta.list()
    if not any(s.active and not ours & {s.id, s.hash} for s in listed):
        raise Refused(
            f"App {rotation.app_id} would be left without an active {noun}, which Okta "
            "does not allow. Give it another one first, or end the rotation without revoking."
        )
    doomed = [secret for secret in listed if ours & {secret.id, secret.hash}]
    async with world.store.writing() as writing:
        rotation = await current_rotation(writing, rotation.id)
        await refuse_under_way(writing, rotation, blocked_too=False)
        await _stop_serving(writing, world, caller, rotation, doomed)
    for secret in doomed:
        await _remove_at_okta(at_okta, secret)


async def _stop_serving(
    tx: Writing, world: World, caller: Caller, rotation: Rotation, doomed: Sequence[Credential]
) -> None:
    """Destroy the values, let no turn start any more, and write down what Okta will lose."""
    now, noun = world.clock.now(), rotation.kind.rules.noun
    turn = await open_turn(tx, rotation)
    if turn:
        await give_up(tx, world, turn, f"{caller.name} has ended the rotation.")
    for version in await list_versions(tx, rotation):
        await tx.replace(version.become(State.DESTROYED))
    await tx.replace(replace(rotation, ending=True, next_rotation_at=None))
    for secret in doomed:
        subject = f"app {rotation.app_id}: {secret.id} {secret.hash}"
        await tx.append_audit(Attempt(now, caller.id, f"revoke a {noun}", subject, allowed=True))


async def _remove_at_okta(at_okta: AppCredentials, secret: Credential) -> None:
    if secret.active:
        await at_okta.deactivate(secret.id)
    await at_okta.delete(secret.id)


async def _release_secrets(tx: Writing, rotation: Rotation, *, delete: bool) -> None:
    for secret in await tx.list(Secret, rotation_id=rotation.id):
        readable = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
        if delete or not readable:
            await remove_secret(tx, secret)
            continue
        pending = await tx.find(Version, secret_id=secret.id, state=State.PENDING)
        if pending:
            await tx.replace(pending.become(State.DESTROYED))
        await tx.replace(replace(secret, rotation_id=None))
