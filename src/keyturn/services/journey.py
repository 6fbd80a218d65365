"""One worker's hold on one turn: look, decide, write down, act, write down, and again.

What comes next is decided by `keyturn.domain.steps`; this file only carries it out. The intent is
durable before every call that changes Okta, every record is written under the turn's epoch, and
nothing is sent to Okta once the lease may have passed to somebody else.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog
from structlog.contextvars import bound_contextvars

from keyturn.domain.budget import ROOM, purpose_of
from keyturn.domain.errors import (
    AddressRefused,
    Fenced,
    InvalidInput,
    OktaError,
    OktaHeld,
    OktaRefused,
    OursError,
)
from keyturn.domain.foreign import blocked_by, came_back
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import Credential
from keyturn.domain.outlook import forbids
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.sight import by_hash
from keyturn.domain.steps import (
    Block,
    Do,
    Look,
    Seen,
    Step,
    Wait,
    after_failure,
    backoff,
    next_step,
)
from keyturn.domain.turn import Act, Held, Phase, Posted, Reason, Trigger, Turn, Word
from keyturn.services.connections import use_key
from keyturn.services.desk import Desk, promised
from keyturn.services.findings import close_unserved
from keyturn.services.logbook import Change
from keyturn.services.looks import LOOKS
from keyturn.services.outbox import wake_copies
from keyturn.services.ports import AppCredentials, World, Writing
from keyturn.services.records import must
from keyturn.services.secrets import new_version, next_number, promote

log = structlog.get_logger(__name__)


async def advance(world: World, turn: Turn, *, held_since_s: float) -> Turn:
    """Take a claimed turn as far as it goes now, and return it as it then stands.

    ``held_since_s`` is `Clock.uptime_s` from before the claim was sent. Okta's faults and the
    network's are recorded and the turn is rescheduled; nothing is raised for them. A turn that
    somebody else has claimed meanwhile is left to them.
    """
    with bound_contextvars(turn=turn.id):
        journey = Journey(await Desk.of(world, turn, held_since_s))
        try:
            while await journey.go_on():
                pass
        except Fenced as fenced:
            log.warning("turn left to another worker", why=fenced.message)
            await journey.leave()
    return journey.turn


class Journey:
    """A held turn, and what was seen since its last move."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = desk.book
        self._world = desk.world
        self._seen = Seen()
        self._looked_again = False
        self._unsure = False

    @property
    def turn(self) -> Turn:
        """The turn as it was last written."""
        return self._book.turn

    async def leave(self) -> None:
        """Give a turn back that somebody decided about, to be gone on with at once.

        Where a call of this hold was never answered it may still arrive: the lease is waited for.
        """
        if not self._unsure:
            await self._book.give_back()

    async def go_on(self) -> bool:
        """Take one step, told of while it goes on; say whether another may follow at once."""
        about = {"keyturn.turn": self.turn.id, "keyturn.phase": self.turn.phase}
        with self._world.vitals.tracer.span("turn", about) as span:
            goes_on = await self._guarded()
            span.tell({"keyturn.phase_after": self.turn.phase})
        return goes_on

    async def _step(self) -> bool:
        """Take the step that comes next."""
        now, policy = self._world.clock.now(), self._desk.rotation.policy
        if forbids(self._desk.rotation, self.turn, now):
            await self._book.put_off()
            return False
        if self.turn.phase is Phase.PROMOTED:
            self._seen = replace(self._seen, unconfirmed=await self._desk.unconfirmed())
        return await self._take(next_step(self.turn, self._seen, policy, now))

    async def _guarded(self) -> bool:
        """Take a step; what goes wrong is written down, and the turn sleeps or stops for it."""
        try:
            return await self._step()
        except OktaHeld as held:
            until = self._world.clock.now() + timedelta(seconds=held.retry_after_s)
            await self._book.stop(Wait(until, ROOM))
        except OktaError as error:
            self._unsure = error.effect_possible
            if self._looks_again(error):
                return True
            await self._book.stop(after_failure(self.turn, error, self._world.clock.now()), error)
        except (AddressRefused, InvalidInput) as error:
            await self._book.stop(Block(Reason.ACCESS_REFUSED, error.message), error)
        except Fenced:
            raise
        except OursError as error:
            later = self._world.clock.now() + backoff(self.turn.attempts)
            await self._book.stop(Wait(later), error)
        return False

    def _looks_again(self, error: OktaError) -> bool:
        """Look at once, but once, where a refusal is about what Okta holds now."""
        told = isinstance(error, OktaRefused) and error.answer.worth_another_look
        first, self._looked_again = not self._looked_again, self._looked_again or told
        self._seen = Seen()
        return told and first

    async def _take(self, step: Step) -> bool:
        if isinstance(step, Look | Do):
            self._desk.purpose = purpose_of(self.turn, step)
        if isinstance(step, Look):
            self._seen = await LOOKS[step.at](self._desk, self._seen)
            await self._book.renew()
            return True
        if isinstance(step, Do):
            await ACTS[step.act](self, step)
            self._seen = self._still_fresh(step)
            return self.turn.running
        await self._book.stop(step)
        return False

    def _still_fresh(self, step: Do) -> Seen:
        """Return what the act has not made stale: see it again only where it may have changed.

        The probe that verified is fresh enough to promote on, the list that left room to add.
        """
        match step.act:
            case Act.VERIFY:
                return Seen(new_probe=self._seen.new_probe)
            case Act.WRITE | Act.DISCARD | Act.CLEAR:
                listed = self._seen.credentials
                if listed is None:
                    return Seen()
                left = tuple(c for c in listed if c.id != step.target)
                return Seen(credentials=left, served=self._seen.served)
            case _:
                return Seen()

    async def write(self, step: Do) -> None:
        """Choose the new value and store it sealed, with what is intended.

        Where Okta chooses, the intention is all there is to write down.
        """
        if not self.turn.rules.own_value:
            await self._book.move(self.turn, step.act)
            return
        chosen = (await self._desk.credentials()).choose(self._desk.rotation.algorithm)
        await self._keep(self.turn, step, chosen.value, Held(chosen.hash, None, None))

    async def issue(self, step: Do) -> None:
        """Add the new credential at Okta; the note that it may have been added comes first."""
        if self.turn.rules.own_value:
            await self._issue_ours(step, promised(self.turn.new))
        else:
            await self._issue_oktas(step)

    async def _issue_ours(self, step: Do, new: Held) -> None:
        before, noun = self.turn.posted, self._desk.noun
        value = await self._desk.value(new)
        at_okta = await self._intend(self._posted(), f"add a {noun}", new.hash)
        try:
            added = await at_okta.add(value)
        except OktaHeld:  # nothing was sent: what is not there need not be looked for
            await self._book.note(replace(self.turn, posted=before))
            raise
        if added.hash != new.hash:
            await self._book.stop(Block(Reason.VALUE_NOT_KEPT, f"{noun.capitalize()} {added.id}."))
            return
        await self._named(step, added.id)

    async def _issue_oktas(self, step: Do) -> None:
        """Have Okta make the value, and store what only this answer shows.

        A refusal leaves the note as well: what is found later, Okta's log has to tell whose it is.
        """
        before, noun = self.turn.posted, self._desk.noun
        beside = " ".join(each.id for each in self._seen.credentials or ())
        at_okta = await self._intend(self._posted(beside), f"add a {noun}", "of Okta's choice")
        try:
            added = await at_okta.add(None, mark=self.turn.id)
        except OktaHeld:  # nothing was sent
            await self._book.note(replace(self.turn, posted=before))
            raise
        value = added.value or Sensitive("")
        await self._keep(self.turn, step, value, Held(added.hash, added.id, None))

    def _posted(self, beside: str = "") -> Turn:
        last = self.turn.posted
        posted = Posted(self._world.clock.now(), beside, last.last_at if last else None)
        return replace(self.turn, posted=posted)

    async def _keep(self, turn: Turn, step: Do, value: Sensitive, new: Held) -> None:
        """Store the value sealed, as a version that nobody is given, in the act's transaction."""
        secret_id, project = self._desk.subject.client_secret, self._desk.subject.place.project
        async with self._world.store.reading() as tx:
            number = await next_number(tx, secret_id)
        version = new_version(self._world, project, secret_id, number, value)
        version = replace(version, hash=new.hash, okta_id=new.okta_id)

        async def change(tx: Writing) -> None:
            await tx.add(version)

        await self._book.move(replace(turn, new=replace(new, version=number)), step.act, change)

    async def discard(self, step: Do) -> None:
        """Remove at Okta what was added for us and whose value was lost with the answer."""
        lost = _listed(self._seen, step)
        noun = self._desk.noun
        if lost.active:
            at_okta = await self._intend(self.turn, f"deactivate a lost {noun}", lost.id)
            await at_okta.deactivate(lost.id)
        at_okta = await self._intend(self.turn, f"delete a lost {noun}", lost.id)
        await at_okta.delete(lost.id)
        why = f"The value of {noun} {lost.id} was lost with Okta's answer."
        await self._book.move(replace(self.turn, posted=None), step.act, why=why)

    async def clear(self, step: Do) -> None:
        """Delete at Okta what an earlier turn of ours has left there INACTIVE."""
        left, noun = _listed(self._seen, step), self._desk.noun
        at_okta = await self._intend(self.turn, f"delete a superseded {noun}", left.id)
        await at_okta.delete(left.id)
        why = f"{noun.capitalize()} {left.id} was ours, INACTIVE, and needed by nothing."
        await self._book.move(self.turn, step.act, why=why)

    async def adopt(self, step: Do) -> None:
        """Take Okta's id of the stored value from its list."""
        await self._named(step, step.target)

    async def _named(self, step: Do, okta_id: CredentialId | None) -> None:
        new = replace(promised(self.turn.new), okta_id=okta_id)

        async def change(tx: Writing) -> None:
            version = await self._desk.version(tx, new)
            await tx.replace(replace(version, okta_id=okta_id))

        await self._book.move(replace(self.turn, new=new), step.act, change)

    async def promote(self, step: Do) -> None:
        """Serve the new version: client id and credential in one transaction.

        The key of a connection is served to the connection, unless somebody has given it another
        one since the turn began.
        """
        value = await self._desk.value(promised(self.turn.new))
        of_connection = self.turn.rules.of_connection
        if of_connection and await self._desk.served() != promised(self.turn.old).hash:
            await self._book.stop(Block(Reason.CONNECTION_CHANGED))
            return

        async def change(tx: Writing) -> None:
            await promote(tx, await self._desk.version(tx, promised(self.turn.new)))
            await self._promote_client_id(tx)
            if of_connection:
                await use_key(tx, self._world, self._desk.rotation.connection_id, value)
            await close_unserved(tx, self._world, self.turn, promised(self.turn.new))
            await tx.replace(self._turned(await must(tx.find(Rotation, id=self._desk.rotation.id))))

        await self._book.move(self.turn, step.act, change)

    async def _promote_client_id(self, tx: Writing) -> None:
        kept = self._desk.subject.client_id
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
            await self._deactivate(step, step.target)
        # An emergency's word holds to the end; any other has been heeded.
        word = self.turn.word if self.turn.word is Word.AT_ONCE else None
        after = replace(self.turn, opened=step.opened, word=word)
        why = f"Gate opened by {step.opened}. {step.why}".strip()
        becoming = self._becoming(self.turn.old, State.RETIRED)
        await self._book.move(after, step.act, becoming, why=why)

    async def _deactivate(self, step: Do, target: CredentialId) -> None:
        """Note what opened the gate with the intention: by that it is known that it was tried.

        What was held back was not, but an earlier call may have been.
        """
        before = self.turn.opened
        intent = replace(self.turn, opened=step.opened)
        at_okta = await self._intend(intent, f"deactivate the old {self._desk.noun}", target)
        try:
            await at_okta.deactivate(target)
        except OktaHeld:
            await self._book.note(replace(self.turn, opened=before))
            raise

    async def reinstate(self, step: Do) -> None:
        """Activate the old secret at Okta again, and tell why."""
        if step.target:
            at_okta = await self._intend(
                self.turn, f"activate the old {self._desk.noun}", step.target
            )
            await at_okta.activate(step.target)
        after = replace(self.turn, word=step.word, opened=None, reinstated=self.turn.reinstated + 1)
        why = step.why or "An operator asked for it."
        becoming = self._becoming(self.turn.old, State.PREVIOUS)
        told = f"The old {self._desk.noun} was reinstated: {why}" if step.why else None
        await self._book.move(after, step.act, becoming, message=told, why=why)

    async def fall_back(self, step: Do) -> None:
        """Serve the old value again, as a version of its own: readers never go back a number.

        By the id under which Okta has it now: somebody may have removed it and added it again.
        """
        old, lost = promised(self.turn.old), promised(self.turn.new)
        secret_id, project = self._desk.subject.client_secret, self._desk.subject.place.project
        value = await self._desk.value(old)
        async with self._world.store.reading() as tx:
            number = await next_number(tx, secret_id)
        version = new_version(self._world, project, secret_id, number, value)
        there = by_hash(self._seen.credentials or (), old.hash)
        okta_id = there.id if there else old.okta_id

        async def change(tx: Writing) -> None:
            made_at = (await self._desk.version(tx, old)).issued_at  # it is as old as it was
            again = replace(version, hash=old.hash, okta_id=okta_id, made_at=made_at)
            await tx.add(again)
            await promote(tx, again)
            await close_unserved(tx, self._world, self.turn, old)
            for held in (old, lost):
                await tx.replace((await self._desk.version(tx, held)).become(State.DESTROYED))
            if self.turn.rules.of_connection:
                await use_key(tx, self._world, self._desk.rotation.connection_id, value)

        await self._book.move(self.turn, step.act, change, message=step.why, why=step.why)

    async def give_way(self, step: Do) -> None:
        """End a turn of which nothing can be served; a value that Okta has lost is destroyed."""
        old, listed = self.turn.old, self._seen.credentials
        gone = old and listed is not None and by_hash(listed, old.hash) is None
        becoming = self._becoming(old, State.DESTROYED if gone else State.RETIRED)
        await self._book.move(self.turn, step.act, becoming, message=step.why, why=step.why)

    async def delete(self, step: Do) -> None:
        """Delete the old secret at Okta, then destroy its value.

        Where somebody had deleted it before there was room for it under another id.
        """
        if step.target:
            at_okta = await self._intend(
                self.turn, f"delete the old {self._desk.noun}", step.target
            )
            if not await at_okta.delete(step.target):
                listed = tuple(await at_okta.list())
                if came_back(self.turn, listed):
                    now = self._world.clock.now()
                    await self._book.stop(blocked_by(self.turn, listed, now))
                    return
        await self._book.move(self.turn, step.act, self._becoming(self.turn.old, State.DESTROYED))

    async def withdraw(self, step: Do) -> None:
        """Deactivate a new secret that nobody was served."""
        if step.target:
            intent = self._withdrawn()
            at_okta = await self._intend(
                intent, f"deactivate the new {self._desk.noun}", step.target
            )
            await at_okta.deactivate(step.target)
        await self._book.move(self.turn, step.act)

    async def roll_back(self, step: Do) -> None:
        """Delete that secret at Okta, where it has it, then destroy its value."""
        aborted = self.turn.word is Word.ABORT
        if step.target:
            intent = self._withdrawn()
            at_okta = await self._intend(intent, f"delete the new {self._desk.noun}", step.target)
            await at_okta.delete(step.target)
        becoming = self._becoming(self.turn.new, State.DESTROYED)
        refused = f"Okta never accepted the new {self._desk.noun}, so it was taken back."
        message = step.why or (None if aborted else refused)
        await self._book.move(self.turn, step.act, becoming, message=message, why=step.why)

    def _withdrawn(self) -> Turn:
        now = self._world.clock.now()
        return replace(self.turn, withdrawn_at=self.turn.withdrawn_at or now)

    async def _intend(self, turn: Turn, what: str, subject: str) -> AppCredentials:
        """Make the intent durable, then give the way to Okta if the lease still holds."""
        credentials = await self._book.intend(turn, what, subject, self._desk.credentials_in)
        self._book.refuse_late()
        return credentials

    def _becoming(self, held: Held | None, state: State) -> Change:
        async def change(tx: Writing) -> None:
            if held and held.version:
                await tx.replace((await self._desk.version(tx, held)).become(state))
                await wake_copies(tx, [held.hash], self._world.clock.now())

        return change


def _listed(seen: Seen, step: Do) -> Credential:
    found = next((c for c in seen.credentials or () if c.id == step.target), None)
    if found is None:
        raise OursError("A step names a credential that nobody has seen.")
    return found


ACTS: Mapping[Act, Callable[[Journey, Do], Awaitable[None]]] = {
    Act.WRITE: Journey.write,
    Act.ISSUE: Journey.issue,
    Act.ADOPT: Journey.adopt,
    Act.CLEAR: Journey.clear,
    Act.DISCARD: Journey.discard,
    Act.VERIFY: Journey.only_move,
    Act.DOUBT: Journey.only_move,
    Act.PROMOTE: Journey.promote,
    Act.DELIVER: Journey.only_move,
    Act.OVERLAP: Journey.only_move,
    Act.RETIRE: Journey.retire,
    Act.SOAK: Journey.only_move,
    Act.REINSTATE: Journey.reinstate,
    Act.FALL_BACK: Journey.fall_back,
    Act.GIVE_WAY: Journey.give_way,
    Act.DELETE: Journey.delete,
    Act.FINISH: Journey.only_move,
    Act.WITHDRAW: Journey.withdraw,
    Act.ROLL_BACK: Journey.roll_back,
}
