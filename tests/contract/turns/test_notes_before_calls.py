"""What is noted before Okta is called: kept where it may have an effect, taken back where not."""

from contextlib import suppress

import pytest
from kinds_kit import settled
from meanwhile_kit import before_next
from rig import SECRETS, Rig

from keyturn.domain.errors import OktaHeld, Refused, TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import SETTLED, Opened, Phase, Turn
from keyturn.sandbox import Fault
from keyturn.services.orders import abort_turn, pause_turn, reinstate_old, resume_turn
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

DEACTIVATE = f"{SECRETS}/{{secretId}}/lifecycle/deactivate"


def hold_next(rig: Rig, verb: str) -> None:
    """Let the rate limit have no room for the next call that does this to a credential."""

    async def hold() -> None:
        raise OktaHeld(verb, retry_after_s=30)

    before_next(rig, verb, hold)


async def newest(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn of a rotation."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def overlapping(rig: Rig) -> str:
    """Turn a new rotation; return its id while both secrets work."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    return rotation_id


def statuses(rig: Rig) -> list[str]:
    """Return the status of each living secret at Okta, the older one first."""
    return [secret["status"] for secret in rig.living()]


class TestAdding:
    """The note that Okta was asked to add the new credential."""

    @pytest.mark.parametrize(
        "kind", [CredentialKind.CLIENT_SECRET, CredentialKind.API_SERVICE_SECRET]
    )
    @pytest.mark.parametrize("earlier", [False, True])
    async def test_call_that_was_held_back_adds_nothing_to_it(
        self, rig: Rig, kind: CredentialKind, *, earlier: bool
    ) -> None:
        """An abort waits for the call that was never answered, and for no other."""
        made = await settled(rig, kind)
        if earlier:
            rig.org.add_fault(Fault("drop-before-effect", "POST", made.routes.all, count=1))
            with suppress(TurnFailed):
                await made.begin()
        sent = (await newest(rig, made.rotation_id)).posted if earlier else None
        hold_next(rig, "add")
        with suppress(TurnFailed):
            await (rig.live(5) if earlier else made.begin())
        assert (await newest(rig, made.rotation_id)).posted == sent
        await abort_turn(rig.world, rig.admin, made.rotation_id)
        assert (await newest(rig, made.rotation_id)).open is earlier
        turn = await made.finish()
        assert turn.phase is Phase.ROLLED_BACK
        assert turn.ended_at
        assert turn.ended_at - turn.created_at >= (SETTLED if earlier else SETTLED * 0)

    async def test_old_one_keeps_its_place_while_an_addition_may_arrive(self, rig: Rig) -> None:
        """Even an emergency deletes it only once the first call can add nothing any more."""
        rotation_id = (await rig.rotation()).rotation.id
        rig.org.add_fault(Fault("drop-before-effect", "POST", SECRETS, count=1))
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id, emergency=True)
        await rig.live(5)
        await rig.live(50)
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]
        await rig.live(5)
        assert statuses(rig) == ["ACTIVE"]


class TestDeactivating:
    """The note of what opened the gate."""

    @pytest.mark.parametrize("earlier", [False, True])
    async def test_call_that_was_held_back_was_not_tried(self, rig: Rig, *, earlier: bool) -> None:
        """Who wants the old one back is told what Okta was asked for, and that alone."""
        rotation_id = await overlapping(rig)
        if earlier:
            rig.org.add_fault(Fault("drop-before-effect", "POST", DEACTIVATE, count=1))
            await rig.live(300)
        hold_next(rig, "deactivate")
        await rig.live(5 if earlier else 300)
        turn = await newest(rig, rotation_id)
        assert (turn.phase, turn.opened) == (Phase.OVERLAPPING, Opened.TIME if earlier else None)
        told = "Okta was asked to deactivate" if earlier else "no client secret of it is retired"
        with pytest.raises(Refused, match=told):
            await reinstate_old(rig.world, rig.admin, rotation_id)
        assert (await rig.run(rotation_id)).phase is Phase.FINISHED

    async def test_it_stands_where_nothing_was_left_to_deactivate(self, rig: Rig) -> None:
        """Somebody has done it at Okta: what let the turn go on is on record all the same."""
        rotation_id = await overlapping(rig)
        rig.org.deactivate_secret(rig.app_id, rig.living()[0]["id"])
        await rig.live(300)
        turn = await newest(rig, rotation_id)
        assert (turn.phase, turn.opened) == (Phase.SOAKING, Opened.TIME)

    async def test_it_goes_when_the_old_one_comes_back(self, rig: Rig) -> None:
        """The gate is shut again: nothing is said to be on its way."""
        rotation_id = await overlapping(rig)
        await rig.live(300)
        await reinstate_old(rig.world, rig.admin, rotation_id)
        await rig.tick()
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        with pytest.raises(Refused, match="no client secret of it is retired"):
            await reinstate_old(rig.world, rig.admin, rotation_id)


class TestTakingBack:
    """The note that the new one is never served."""

    @pytest.mark.parametrize("off", [False, True], ids=["deactivate", "delete"])
    async def test_call_without_an_answer_decides_it(self, rig: Rig, *, off: bool) -> None:
        """Okta accepts the new one after all, but a call that ends it may still arrive."""
        rotation_id = (await rig.rotation()).rotation.id
        served = await rig.served_hash()
        rig.org.change_settings(propagation_s=700)
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id)
        new = rig.living()[1]["id"]
        if off:
            rig.org.deactivate_secret(rig.app_id, new)
        where = ("DELETE", f"{SECRETS}/{{secretId}}") if off else ("POST", DEACTIVATE)
        rig.org.add_fault(Fault("drop-before-effect", *where, count=1))
        await rig.live(601)
        assert (await newest(rig, rotation_id)).withdrawn_at
        rig.org.activate_secret(rig.app_id, new)
        rig.clock.advance(300)
        assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
        assert [s["hash"] for s in rig.living()] == [served] == [await rig.served_hash()]

    async def test_it_tells_since_when(self, rig: Rig) -> None:
        """What was aborted is withdrawn since the abort, however late Okta is asked."""
        rotation_id = (await rig.rotation()).rotation.id
        rig.org.change_settings(propagation_s=3600)
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id)
        await abort_turn(rig.world, rig.admin, rotation_id)
        since = rig.clock.now()
        rig.clock.advance(7)
        assert (await rig.run(rotation_id)).withdrawn_at == since


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        (Fault("error-before-effect", "POST", DEACTIVATE, count=1, status=403), "INACTIVE"),
        (Fault("drop-before-effect", "POST", DEACTIVATE, count=1), "ACTIVE"),
    ],
    ids=["answered", "unanswered"],
)
async def test_turn_that_somebody_decides_about_waits_for_calls_under_way_alone(
    rig: Rig, fault: Fault, after: str
) -> None:
    """Paused while Okta is asked, it goes on at a word; not before a lost call has settled."""
    rotation_id = await overlapping(rig)
    rig.org.add_fault(fault)
    before_next(rig, "deactivate", lambda: pause_turn(rig.world, rig.admin, rotation_id))
    await rig.live(300)
    assert statuses(rig) == ["ACTIVE", "ACTIVE"]
    await resume_turn(rig.world, rig.admin, rotation_id)
    await rig.tick()
    assert statuses(rig) == [after, "ACTIVE"]


async def test_refusal_of_what_was_done_all_the_same_leaves_nothing_behind(rig: Rig) -> None:
    """Okta's log tells that the turn's own call has made it, whatever the answer said."""
    made = await settled(rig, CredentialKind.API_SERVICE_SECRET)
    lies = Fault("error-after-effect", "POST", made.routes.all, count=1, status=403)
    rig.org.add_fault(lies)
    with suppress(TurnFailed):
        await made.begin()
    assert len(made.living()) == 2
    await abort_turn(rig.world, rig.admin, made.rotation_id)
    for _ in range(10):
        await rig.live(60)
    assert (await newest(rig, made.rotation_id)).phase is Phase.ROLLED_BACK
    assert len(made.living()) == 1
