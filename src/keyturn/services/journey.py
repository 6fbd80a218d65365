"""One worker's hold on one turn: look, decide, write down, act, write down, and again.

What comes next is decided by `keyturn.domain.steps`; this file only carries it out. The intent is
durable before every call that changes Okta, every record is written under the turn's epoch, and
nothing is sent to Okta once the lease may have passed to somebody else.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from keyturn.domain.errors import (
    AddressRefused,
    Fenced,
    InvalidInput,
    OktaError,
    OursError,
)
from keyturn.domain.ids import OktaSecretId, SecretId
from keyturn.domain.okta import VALUE_BYTES, Probe, client_secret_value, secret_hash
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.steps import (
    Block,
    Do,
    Look,
    Seen,
    Sight,
    Wait,
    after_failure,
    backoff,
    next_step,
)
from keyturn.domain.turn import Act, Held, Reason, Trigger, Turn
from keyturn.services.connections import open_org
from keyturn.services.logbook import Change, Logbook
from keyturn.services.ports import OktaOrg, Reading, World, Writing
from keyturn.services.projects import place_of
from keyturn.services.records import must
from keyturn.services.sealing import open_version
from keyturn.services.secrets import new_version, next_number, promote

log = structlog.get_logger(__name__)


async def advance(world: World, turn: Turn, *, held_since_s: float) -> Turn:
    """Take a claimed turn as far as it goes now, and return it as it then stands.

    ``held_since_s`` is `Clock.uptime_s` from before the claim was sent. Okta's faults and the
    network's are recorded and the turn is rescheduled; nothing is raised for them. A turn that
    somebody else has claimed meanwhile is left to them.
    """
    journey = await Journey.begin(world, turn, held_since_s)
    try:
        while await journey.go_on():
            pass
    except Fenced as fenced:
        log.warning("turn left to another worker", turn=turn.id, why=fenced.message)
    return journey.turn


@dataclass(frozen=True)
class Subject:
    """What a turn is about; the ids outlive a change of the mapped names."""

    rotation: Rotation
    place: Place
    client_secret: SecretId
    client_id: SecretId


class Journey:
    """A turn, what was seen since its last move, and what is still to be recorded."""

    def __init__(self, world: World, turn: Turn, subject: Subject, held_since_s: float) -> None:
        self._book = Logbook(world, turn, held_since_s)
        self._world = world
        self._subject = subject
        self._rotation = subject.rotation
        self._seen = Seen()

    @property
    def turn(self) -> Turn:
        """The turn as it was last written."""
        return self._book.turn

    @classmethod
    async def begin(cls, world: World, turn: Turn, held_since_s: float) -> "Journey":
        """Read what the turn is about."""
        async with world.store.reading() as tx:
            rotation = await must(tx.find(Rotation, id=turn.rotation_id))
            place, names = await place_of(tx, rotation.folder_id), rotation.mapping
            secrets = {s.name: s.id for s in await tx.list(Secret, rotation_id=rotation.id)}
        subject = Subject(rotation, place, secrets[names.client_secret], secrets[names.client_id])
        return cls(world, turn, subject, held_since_s)

    async def go_on(self) -> bool:
        """Take one step; say whether another may follow at once."""
        try:
            step = next_step(self.turn, self._seen, self._rotation.policy, self._world.clock.now())
            if isinstance(step, Look):
                self._seen = await LOOKS[step.at](self)
                return True
            if isinstance(step, Do):
                await ACTS[step.act](self, step)
                # The probe that verified is fresh enough to promote on.
                kept = self._seen.new_probe if step.act is Act.VERIFY else None
                self._seen = Seen(new_probe=kept)
                return self.turn.running
            await self._book.stop(step)
        except OktaError as error:
            await self._book.stop(after_failure(self.turn, error, self._world.clock.now()), error)
        except (AddressRefused, InvalidInput) as error:
            await self._book.stop(Block(Reason.ACCESS_REFUSED, error.message), error)
        except Fenced:
            raise
        except OursError as error:
            later = self._world.clock.now() + backoff(self.turn.attempts)
            await self._book.stop(Wait(later), error)
        return False

    # Looking.

    async def look_at_secrets(self) -> Seen:
        """See Okta's list, and what readers are given beside it."""
        secrets = await (await self._org()).list_client_secrets(self.turn.app_id)
        async with self._world.store.reading() as tx:
            kept = self._subject.client_secret
            served = await tx.find(Version, secret_id=kept, state=State.CURRENT)
        return replace(self._seen, secrets=secrets, served=served.hash if served else None)

    async def look_at_app(self) -> Seen:
        """See the app itself, or that it is gone.

        Where it authenticates in another way than it did, what was probed so far says nothing.
        """
        app = await (await self._org()).find_app(self.turn.app_id)
        seen = replace(self._seen, app=app, app_gone=app is None)
        method = app.auth_method if app else self._rotation.auth_method
        if not method.uses_secret or method is self._rotation.auth_method:
            return seen
        async with self._world.store.writing() as tx:
            rotation = await must(tx.find(Rotation, id=self._rotation.id))
            self._rotation = replace(rotation, auth_method=method)
            await tx.replace(self._rotation)
        return replace(seen, old_probe=None, new_probe=None)

    async def probe_old(self) -> Seen:
        """See whether Okta accepts the secret served so far."""
        return replace(self._seen, old_probe=await self._probe(_held(self.turn.old)))

    async def probe_new(self) -> Seen:
        """See whether Okta accepts the new secret."""
        return replace(self._seen, new_probe=await self._probe(_held(self.turn.new)))

    async def _probe(self, held: Held) -> Probe:
        org, rotation = await self._org(), self._rotation
        return await org.probe(rotation.client_id, await self._value(held), rotation.auth_method)

    # Acting.

    async def write(self, step: Do) -> None:
        """Choose the new value and store it sealed, with what is intended."""
        value = client_secret_value(self._world.chance.random_bytes(VALUE_BYTES))
        async with self._world.store.reading() as tx:
            number = await next_number(tx, self._subject.client_secret)
        secret_id, project = self._subject.client_secret, self._subject.place.project
        version = new_version(self._world, project, secret_id, number, value)
        version = replace(version, hash=secret_hash(value))
        new = Held(secret_hash(value), None, number)

        async def change(tx: Writing) -> None:
            await tx.add(version)

        await self._book.move(replace(self.turn, new=new), step.act, change)

    async def issue(self, step: Do) -> None:
        """Add the stored value at Okta; the note that it may have been sent comes first."""
        new = _held(self.turn.new)
        value = await self._value(new)
        intent = replace(self.turn, posted=True)
        org = await self._intend(intent, "add a client secret", new.hash)
        added = await org.add_client_secret(self.turn.app_id, value)
        if added.hash != new.hash:
            await self._book.stop(Block(Reason.VALUE_NOT_KEPT, f"Client secret {added.id}."))
            return
        await self._named(step, added.id)

    async def adopt(self, step: Do) -> None:
        """Take Okta's id of the stored value from its list."""
        await self._named(step, step.target)

    async def _named(self, step: Do, okta_id: OktaSecretId | None) -> None:
        new = replace(_held(self.turn.new), okta_id=okta_id)

        async def change(tx: Writing) -> None:
            version = await self._version(tx, new)
            await tx.replace(replace(version, okta_id=okta_id))

        await self._book.move(replace(self.turn, new=new), step.act, change)

    async def promote(self, step: Do) -> None:
        """Serve the new version: client id and client secret in one transaction."""

        async def change(tx: Writing) -> None:
            await promote(tx, await self._version(tx, _held(self.turn.new)))
            await self._promote_client_id(tx)
            await tx.replace(self._turned(await must(tx.find(Rotation, id=self._rotation.id))))

        await self._book.move(self.turn, step.act, change)

    async def _promote_client_id(self, tx: Writing) -> None:
        kept = self._subject.client_id
        pending = await tx.find(Version, secret_id=kept, state=State.PENDING)
        if pending:
            await promote(tx, pending)

    def _turned(self, rotation: Rotation) -> Rotation:
        now, first = self._world.clock.now(), self.turn.trigger is Trigger.FIRST
        return replace(
            rotation,
            active_index=rotation.active_index if first else 1 - rotation.active_index,
            last_rotated_at=now,
            last_turn_id=self.turn.id,
            last_manual=self.turn.trigger is not Trigger.SCHEDULED,
        )

    async def only_move(self, step: Do) -> None:
        """Record a move that needs nothing more."""
        await self._book.move(self.turn, step.act)

    async def retire(self, step: Do) -> None:
        """Deactivate the old secret at Okta."""
        if step.target:
            org = await self._intend(self.turn, "deactivate the old client secret", step.target)
            await org.deactivate_client_secret(self.turn.app_id, step.target)
        await self._book.move(self.turn, step.act, self._becoming(self.turn.old, State.RETIRED))

    async def delete(self, step: Do) -> None:
        """Delete the old secret at Okta, then destroy its value."""
        if step.target:
            org = await self._intend(self.turn, "delete the old client secret", step.target)
            await org.delete_client_secret(self.turn.app_id, step.target)
        await self._book.move(self.turn, step.act, self._becoming(self.turn.old, State.DESTROYED))

    async def withdraw(self, step: Do) -> None:
        """Deactivate a new secret that Okta never accepted."""
        if step.target:
            intent = replace(self.turn, withdrawn=True)
            org = await self._intend(intent, "deactivate the new client secret", step.target)
            await org.deactivate_client_secret(self.turn.app_id, step.target)
        await self._book.move(self.turn, step.act)

    async def roll_back(self, step: Do) -> None:
        """Delete that secret at Okta, then destroy its value."""
        if step.target:
            intent = replace(self.turn, withdrawn=True)
            org = await self._intend(intent, "delete the new client secret", step.target)
            await org.delete_client_secret(self.turn.app_id, step.target)
        becoming = self._becoming(self.turn.new, State.DESTROYED)
        why = "Okta never accepted the new client secret, so it was taken back."
        await self._book.move(self.turn, step.act, becoming, message=why)

    async def _intend(self, turn: Turn, what: str, subject: str) -> OktaOrg:
        """Make the intent durable, then give the way to Okta if the lease still holds."""
        await self._book.intend(turn, what, subject)
        org = await self._org()
        self._book.refuse_late()
        return org

    # Reading what is kept.

    async def _org(self) -> OktaOrg:
        async with self._world.store.reading() as tx:
            connection_id = self._rotation.connection_id
            return await open_org(tx, self._world, connection_id, self._book.calls.append)

    async def _version(self, tx: Reading, held: Held) -> Version:
        kept = self._subject.client_secret
        return await must(tx.find(Version, secret_id=kept, number=held.version))

    async def _value(self, held: Held) -> Sensitive:
        async with self._world.store.reading() as tx:
            version = await self._version(tx, held)
        return open_version(self._world, self._subject.place.project, version)

    def _becoming(self, held: Held | None, state: State) -> Change:
        async def change(tx: Writing) -> None:
            if held and held.version:
                await tx.replace((await self._version(tx, held)).become(state))

        return change


def _held(held: Held | None) -> Held:
    if held is None:
        raise OursError("The turn's record lacks a client secret that its phase promises.")
    return held


LOOKS: Mapping[Sight, Callable[[Journey], Awaitable[Seen]]] = {
    Sight.SECRETS: Journey.look_at_secrets,
    Sight.APP: Journey.look_at_app,
    Sight.OLD_PROBE: Journey.probe_old,
    Sight.NEW_PROBE: Journey.probe_new,
}

ACTS: Mapping[Act, Callable[[Journey, Do], Awaitable[None]]] = {
    Act.WRITE: Journey.write,
    Act.ISSUE: Journey.issue,
    Act.ADOPT: Journey.adopt,
    Act.VERIFY: Journey.only_move,
    Act.DOUBT: Journey.only_move,
    Act.PROMOTE: Journey.promote,
    Act.DELIVER: Journey.only_move,
    Act.OVERLAP: Journey.only_move,
    Act.RETIRE: Journey.retire,
    Act.SOAK: Journey.only_move,
    Act.DELETE: Journey.delete,
    Act.FINISH: Journey.only_move,
    Act.WITHDRAW: Journey.withdraw,
    Act.ROLL_BACK: Journey.roll_back,
}
