"""What the owner of a foreign client secret may consent to: that it is retired, or adopted.

A foreign secret is one of the app's that Keyturn neither made nor adopted. Without consent it is
never touched.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import Refused
from keyturn.domain.foreign import Consent, heed
from keyturn.domain.okta import Credential, CredentialKind, Probe
from keyturn.domain.orders import WINDING_UP, resumed
from keyturn.domain.rotation import Rotation, known_by_value
from keyturn.domain.secret import Secret, State
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import SERVED, SETTLED, Held, Phase, Reason, Trigger, Turn
from keyturn.services.connections import open_org
from keyturn.services.generated_credentials import list_versions
from keyturn.services.journey import advance
from keyturn.services.open_turns import give_up, open_turn, refuse_under_way
from keyturn.services.ports import World, Writing
from keyturn.services.projects import place_of
from keyturn.services.records import must, note_step
from keyturn.services.rotations import RotationView, admit, current_rotation, view
from keyturn.services.secrets import new_version, next_number
from keyturn.services.turns import claimed, consented, planned, served_secret, unserved


async def retire_existing(
    world: World, caller: Caller, rotation_id: str, given: Consent
) -> RotationView:
    """Consent to the retirement of a foreign client secret of the rotation's app.

    It is retired as any old secret is: after an overlap, reversible until the soak is over. A turn
    that the foreign secret has blocked is given up for it; one that had served its own already goes
    on with this one as the old one. Raises NotFound, Forbidden, and Refused where another turn is
    under way, or id and day are not those of a foreign secret.
    """
    detail = f"retire {given.id}, made {given.made_on}"
    rotation = await admit(world, caller, Verb.ROTATE, rotation_id, detail=detail)
    async with world.store.reading() as tx:
        org = await open_org(tx, world, rotation.connection_id, lambda call: None)
    asked_at = world.clock.now()
    listed = await org.credentials_of(rotation.app_id, rotation.kind).list()
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as writing:
        rotation = await current_rotation(writing, rotation_id)
        served = await served_secret(writing, rotation)
        foreign = _foreign(rotation, served, listed, given.id)
        heed(given, foreign)
        if served is None:
            raise Refused(f"Rotation {rotation.name} serves nothing yet that could take its place.")
        turn = await _aim(writing, world, rotation, foreign)
        if turn is None:
            await _give_way(writing, world, rotation, listed, asked_at)
            turn = claimed(world, consented(world, rotation, served, foreign))
            await writing.add(turn)
        await note_step(writing, turn, "consent", f"To {detail}. By {caller.name}.", asked_at)
    await advance(world, turn, held_since_s=held_since_s)
    return await view(world, rotation_id)


async def adopt_existing(
    world: World, caller: Caller, rotation_id: str, *, secret_id: str, value: Sensitive | None
) -> RotationView:
    """Serve a foreign client secret of the rotation's app, named by its id, from now on.

    ``value`` is entered where Okta does not show it, and proved by Okta's hash. The secret served
    so far is retired as any old one is. Raises NotFound, Forbidden, TurnFailed, and Refused where
    another turn is under way, the id is not that of a foreign secret, its value is not known, or
    Okta does not accept it.
    """
    rotation = await admit(world, caller, Verb.ROTATE, rotation_id, detail=f"adopt {secret_id}")
    async with world.store.reading() as tx:
        org = await open_org(tx, world, rotation.connection_id, lambda call: None)
        served = await served_secret(tx, rotation)
    asked_at = world.clock.now()
    listed = await org.credentials_of(rotation.app_id, rotation.kind).list()
    foreign = _valued(rotation.kind, _foreign(rotation, served, listed, secret_id), value)
    shown = foreign.value or Sensitive("")
    if await org.probe(rotation.client_id, shown, rotation.auth_method) is Probe.REJECTED:
        noun = rotation.kind.rules.noun
        raise Refused(f"Okta does not accept {noun} {secret_id}: there is none to serve.")
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as writing:
        rotation = await current_rotation(writing, rotation_id)
        await _give_way(writing, world, rotation, listed, asked_at)
        turn = await _begin_adopting(writing, world, rotation, foreign)
        told = f"To adopt {secret_id}. By {caller.name}."
        await note_step(writing, turn, "consent", told, asked_at)
    await advance(world, turn, held_since_s=held_since_s)
    seen = await view(world, rotation_id)
    if seen.turn is None or seen.turn.phase not in SERVED:
        raise await unserved(world, seen)
    return seen


async def _begin_adopting(
    tx: Writing, world: World, rotation: Rotation, foreign: Credential
) -> Turn:
    """Store the foreign value and a turn that serves it once Okta has accepted it again.

    ``posted`` stays unset: what Keyturn did not add it does not take back either.
    """
    place = await place_of(tx, rotation.folder_id)
    name = rotation.mapping.client_secret
    kept = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    number = await next_number(tx, kept.id)
    value = foreign.value or Sensitive("")
    version = new_version(world, place.project, kept.id, number, value)
    known = replace(version, hash=foreign.hash, okta_id=foreign.id, made_at=foreign.created_at)
    await tx.add(known)
    turn = planned(world, rotation, Trigger.CONSENT, await served_secret(tx, rotation))
    new = Held(foreign.hash, foreign.id, number)
    turn = claimed(world, replace(turn, phase=Phase.ISSUED, new=new))
    await tx.add(turn)
    return turn


async def _aim(tx: Writing, world: World, rotation: Rotation, foreign: Credential) -> Turn | None:
    """Let a turn that this secret has blocked while it overlapped retire it as its old one."""
    turn = await open_turn(tx, rotation)
    blocked = turn.blocked if turn else None
    if turn is None or blocked is None or turn.old is None:
        return None
    if (blocked.reason, blocked.phase) != (Reason.FOREIGN_SECRET, Phase.OVERLAPPING):
        return None
    old, same = turn.old, turn.old.hash == foreign.hash
    if old.version and not same:
        for version in await list_versions(tx, rotation):
            if version.number == old.version:
                await tx.replace(version.become(State.DESTROYED))
    aimed = replace(turn, old=Held(foreign.hash, foreign.id, old.version if same else None))
    aimed = claimed(world, resumed(aimed, world.clock.now()))
    await tx.replace(aimed)
    return aimed


def _foreign(
    rotation: Rotation, served: Held | None, listed: Sequence[Credential], secret_id: str
) -> Credential:
    noun, found = rotation.kind.rules.noun, next((s for s in listed if s.id == secret_id), None)
    in_place = served is not None and secret_id == served.okta_id
    if found and served and in_place and found.hash != served.hash:
        raise Refused(
            f"The value of {noun} {secret_id}, which readers are given, was replaced at Okta: turn "
            "the rotation first (`keyturn rotation turn`). What stands there now is foreign then."
        )
    given = bool(found and served and found.hash == served.hash)
    if found is None or given:
        told = ": that is what readers are given" if given else ""
        raise Refused(f"App {rotation.app_id} has no foreign {noun} {secret_id}{told}.")
    return found


def _valued(kind: CredentialKind, foreign: Credential, entered: Sensitive | None) -> Credential:
    """Return the secret with its value. Raises Refused where that is not known, or not ACTIVE."""
    noun = kind.rules.noun
    if entered:
        return known_by_value(kind, (foreign,), entered)
    if foreign.value is None:
        raise Refused(f"Okta does not show the value of {noun} {foreign.id}: enter it.")
    if not foreign.active:
        told = f"{noun.capitalize()} {foreign.id} is INACTIVE: it can be retired, not adopted."
        raise Refused(told)
    return foreign


async def _give_way(
    tx: Writing,
    world: World,
    rotation: Rotation,
    listed: Sequence[Credential],
    listed_at: datetime,
) -> None:
    """Give up a turn that a foreign secret has blocked and that has changed nothing at Okta.

    What it has asked Okta for may still come about for a while: until then it is not given up.
    """
    turn = await open_turn(tx, rotation)
    blocked = turn.blocked if turn else None
    if turn is None or blocked is None or blocked.reason is not Reason.FOREIGN_SECRET:
        await refuse_under_way(tx, rotation)
        return
    if blocked.phase in WINDING_UP:
        raise Refused(_too_late(blocked.phase, turn.rules.noun))
    if turn.new and any(secret.hash == turn.new.hash for secret in listed):
        raise Refused("The blocked turn has added its secret meanwhile: resume it by turning.")
    settled_at = turn.posted.last_at + SETTLED if turn.posted else None
    if settled_at and listed_at < settled_at:
        raise Refused(
            "The blocked turn has asked Okta for its secret, which may still be added: ask again "
            f"after {settled_at:%Y-%m-%d %H:%M:%S} UTC."
        )
    await give_up(tx, world, turn, "Its owner has decided about the secret that blocked it.")


def _too_late(phase: Phase, noun: str) -> str:
    served = f"The blocked turn serves its new {noun} already"
    if phase is Phase.OVERLAPPING:
        return (
            f"{served}, so that no other can be adopted before it ends: consent to the retirement "
            "of the foreign one (`keyturn rotation retire-existing`), or have it removed and "
            "resume the turn."
        )
    return (
        f"{served}, and its soak goes on: have what came back removed at Okta and resume the turn "
        "(`keyturn turn resume`), or let it work on (`keyturn turn reinstate`)."
    )
