"""Waves that wait for a second person."""

from dataclasses import replace

import pytest
from rig import Rig
from rollout_kit import (
    add_drift,
    add_rotations,
    carry,
    members,
    second,
    standings,
    started,
    the_rollout,
)

from keyturn.adapters.crypto import Argon2Passwords
from keyturn.domain.access import Caller
from keyturn.domain.errors import Refused
from keyturn.domain.identity import AuthMethod, Identity, TokenRules
from keyturn.domain.ids import IdentityId
from keyturn.domain.rollout import Approval, Standing, State
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.services.identities import new_access_token
from keyturn.services.logins import authenticate
from keyturn.services.people import create_person, log_in_person, set_password
from keyturn.services.rollouts import approve_rollout, continue_rollout

GOOD = Sensitive("correct horse battery staple")


@pytest.fixture
async def ada(rig: Rig) -> Identity:
    """Give a person who may approve, and log in by a password."""
    rig.world = replace(rig.world, passwords=Argon2Passwords(rig.world.chance.random_bytes))
    made = await create_person(rig.world, rig.admin, "ada@example.com", GOOD, role="rotator")
    return made.identity


async def logged_in(rig: Rig, email: str = "ada@example.com") -> Caller:
    """Log a person in."""
    own = await log_in_person(rig.world, email, GOOD)
    return await authenticate(rig.world, own.access_token)


class TestApproval:
    """A wave that waits for a second person."""

    async def approve(self, rig: Rig, caller: Caller, wave: int = 1, **changes: str) -> None:
        """Approve a wave of the newest rollout."""
        rollout = await the_rollout(rig)
        plan_hash = changes.get("plan_hash", rollout.plan_hash)
        await approve_rollout(rig.world, caller, rollout.id, wave=wave, plan_hash=plan_hash)

    async def test_each_wave_waits_for_a_second_person(self, rig: Rig) -> None:
        """Nothing turns before; the first may approve neither."""
        await add_rotations(rig, 2)
        await started(rig, "1", approvals=True)
        assert (await carry(rig)).state is State.AWAITING
        with pytest.raises(Refused, match="second person"):
            await self.approve(rig, rig.admin)
        await self.approve(rig, second(rig))
        rollout = await carry(rig)
        assert (rollout.state, rollout.wave) == (State.AWAITING, 2)
        assert await standings(rig) == {1: {Standing.DONE}, 2: {Standing.WAITING}}
        await self.approve(rig, second(rig), 2)
        assert (await carry(rig)).state is State.FINISHED

    async def test_only_who_has_logged_in_themselves_approves(
        self, rig: Rig, ada: Identity
    ) -> None:
        """A token that was made for a person is no person; their own log-in is."""
        await add_rotations(rig, 1)
        rules, by_hand = TokenRules(), AuthMethod.TOKEN
        record, made = new_access_token(rig.world, ada.id, by_hand, rules)
        async with rig.world.store.writing() as tx:
            await tx.add(record)
        await started(rig, approvals=True)
        with pytest.raises(Refused, match="keyturn person log-in"):
            await self.approve(rig, await authenticate(rig.world, made))
        assert (await carry(rig)).state is State.AWAITING
        await self.approve(rig, await logged_in(rig))
        assert (await carry(rig)).state is State.FINISHED

    async def test_a_machine_does_not_approve(self, rig: Rig) -> None:
        """Whoever has started the rollout can have made it, whatever it logs in by."""
        await add_rotations(rig, 1)
        await started(rig, approvals=True)
        with pytest.raises(Refused, match="has not logged in as a person"):
            await self.approve(rig, replace(second(rig), in_person=False))

    async def test_a_password_that_is_younger_than_the_rollout_approves_nothing(
        self, rig: Rig, ada: Identity
    ) -> None:
        """Neither a person who was made after its start, nor one whose password was set then."""
        await add_rotations(rig, 1)
        await started(rig, approvals=True)
        rig.clock.advance(1)
        await create_person(rig.world, rig.admin, "bea@example.com", GOOD, role="rotator")
        await set_password(rig.world, rig.admin, ada.id, GOOD)
        for email in ("ada@example.com", "bea@example.com"):
            caller = await logged_in(rig, email)
            with pytest.raises(Refused, match="another person has to approve it"):
                await self.approve(rig, caller)

    async def test_another_plan_is_not_approved(self, rig: Rig) -> None:
        """An approval is of the plan that was looked at."""
        await add_rotations(rig, 1)
        await started(rig, approvals=True)
        with pytest.raises(Refused, match="another plan"):
            await self.approve(rig, second(rig), plan_hash="0" * 64)

    async def test_an_approval_in_advance_lapses(self, rig: Rig) -> None:
        """One for a wave that begins more than a day later has to be given again."""
        await add_rotations(rig, 2)
        await started(rig, "1", approvals=True)
        await self.approve(rig, second(rig), 2)
        rig.clock.advance(86_400)
        await self.approve(rig, second(rig), 1)
        rollout = await carry(rig)
        assert (rollout.state, rollout.wave) == (State.AWAITING, 2)
        await self.approve(rig, second(rig), 2)
        assert (await carry(rig)).state is State.FINISHED

    async def test_an_approval_of_another_plan_opens_nothing(self, rig: Rig) -> None:
        """However it came to be stored."""
        await add_rotations(rig, 1)
        rollout = (await started(rig, approvals=True)).rollout
        now, by = rig.clock.now(), IdentityId("second")
        other = Approval(rollout.id, 1, "other", by, "x", now, now.replace(year=2030))
        async with rig.world.store.writing() as tx:
            await tx.add(other)
        assert (await carry(rig)).state is State.AWAITING

    async def test_what_needs_no_approval_gets_none(self, rig: Rig) -> None:
        """Neither a rollout without them nor a wave that there is not."""
        await add_rotations(rig, 1)
        await started(rig)
        with pytest.raises(Refused, match="nothing to approve"):
            await self.approve(rig, second(rig))
        await started(rig, name="autumn", approvals=True)
        with pytest.raises(Refused, match="no wave 7"):
            await self.approve(rig, second(rig), 7)

    async def test_a_halt_in_between_does_not_open_a_wave(self, rig: Rig) -> None:
        """Whoever continues lets nothing begin that was not approved."""
        await add_rotations(rig, 2)
        await started(rig, "1", approvals=True, go_on_at=Phase.OVERLAPPING)
        await self.approve(rig, second(rig))
        await carry(rig, until=lambda one: (one.state, one.wave) == (State.AWAITING, 2))
        first = (await members(rig))[0]
        await add_drift(rig, first)
        rollout = await carry(rig, until=lambda one: one.state is State.HALTED)
        await continue_rollout(rig.world, rig.admin, rollout.id, skip=[first.number])
        assert (await carry(rig)).state is State.AWAITING
        assert (await standings(rig))[2] == {Standing.WAITING}
