"""API service integrations: Okta chooses the value and shows it once."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from kinds_kit import Stand, settled, stand
from rig import ORG_URL, Rig

from keyturn.domain.errors import Refused, TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.secret import State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Act, Phase, Reason
from keyturn.sandbox import Fault, build_app
from keyturn.services.drift import compare_now, list_findings
from keyturn.services.orders import abort_turn, pause_turn
from keyturn.services.reports import list_turns
from keyturn.testing import CrashingStore, CrashPlan

KIND = CredentialKind.API_SERVICE_SECRET
LOST = ["drop-after-effect", "error-after-effect", "truncate", "cut"]


@pytest.fixture
async def made(rig: Rig) -> Stand:
    """Give an integration with one secret, ours."""
    return await settled(rig, KIND)


async def start(made: Stand) -> None:
    """Start a turn that may not come far."""
    with suppress(TurnFailed):
        await made.begin()


async def acts(made: Stand) -> list[str]:
    """Return the moves of the newest turn, in order."""
    told = await list_turns(made.rig.world, made.rig.admin, made.rotation_id)
    return [step.step for step in told[0].steps if step.step in set(Act)]


@pytest.mark.parametrize("fault", LOST)
async def test_secret_whose_value_was_lost_is_discarded(made: Stand, fault: str) -> None:
    """A lost answer leaves no orphan: what Okta made in vain goes, and the next one is served."""
    where = ("POST", made.routes.all)
    made.rig.org.add_fault(Fault(fault, *where, count=1))  # type: ignore[arg-type]  # a literal
    await start(made)
    assert len(made.living()) == 2
    assert (await made.finish()).phase is Phase.FINISHED
    (only,) = made.living()
    assert only.hash == await made.served_hash()
    assert await made.accepted(await made.served())
    assert (await acts(made))[:4] == [Act.WRITE, Act.DISCARD, Act.ISSUE, Act.VERIFY]
    assert made.additions() == 3  # when the rotation was created, in vain, and in earnest


async def test_discarding_is_on_record(made: Stand) -> None:
    """Both calls of a discard are in the audit log before they are made, with the secret's id."""
    made.rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    await start(made)
    lost = made.living()[1].id
    await made.finish()
    async with made.rig.world.store.reading() as tx:
        told = [(e.attempt.verb, lost in e.attempt.subject) for e in await tx.list_audit()]
    assert ("deactivate a lost client secret", True) in told
    assert ("delete a lost client secret", True) in told


async def test_answers_that_are_always_lost_are_tried_with_growing_pauses(made: Stand) -> None:
    """An org whose answers never arrive is not hammered, and never holds a third secret."""
    made.rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all))
    await start(made)
    before = made.additions()
    until = made.rig.clock.now() + timedelta(hours=1)
    while made.rig.clock.now() < until:
        made.rig.clock.advance(5)
        await made.rig.tick()
        assert len(made.living()) <= 2
    assert made.additions() - before < 20
    assert await made.accepted(await made.served())


async def test_stale_list_after_a_lost_answer(made: Stand) -> None:
    """A list that does not show the lost secret yet leads to no third one, and to no block."""
    org = made.rig.org
    org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    org.add_fault(Fault("stale-read", "GET", made.routes.all, skip=1, count=1, seconds=30))
    await start(made)
    assert (await made.finish()).phase is Phase.FINISHED
    assert Act.DISCARD in await acts(made)
    assert len(made.living()) == 1


async def test_death_between_the_two_calls_of_a_discard(made: Stand) -> None:
    """A lost secret that was deactivated already is deleted by whoever comes next."""
    org = made.rig.org
    org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    org.add_fault(Fault("drop-before-effect", "DELETE", made.routes.one, count=2))
    await start(made)
    assert (await made.finish()).phase is Phase.FINISHED
    assert len(made.living()) == 1


async def test_value_is_stored_with_the_move_or_not_at_all(made: Stand) -> None:
    """A process that dies before it stored the value leaves a secret to be discarded."""
    healthy = made.rig.world

    def die() -> None:
        raise KeyboardInterrupt

    plan = CrashPlan(Phase.ISSUED, "before")
    made.rig.world = replace(healthy, store=CrashingStore(healthy.store, plan, die))
    with pytest.raises(KeyboardInterrupt):
        await made.begin()
    made.rig.world = healthy
    async with healthy.store.reading() as tx:
        assert not await tx.list(Version, state=State.PENDING)
    assert (await made.finish()).phase is Phase.FINISHED
    assert Act.DISCARD in await acts(made)
    assert len(made.living()) == 1


async def test_foreign_secret_is_not_taken_for_a_lost_one(made: Stand) -> None:
    """What somebody made when Okta was not being asked blocks the turn and is not touched."""
    org = made.rig.org
    org.add_fault(Fault("drop-before-effect", "POST", made.routes.all, count=1))
    org.add_fault(Fault("error-before-effect", "GET", made.routes.all, skip=1))
    await start(made)
    made.rig.clock.advance(120)
    foreign = org.create_secret(made.app_id)
    org.remove_fault()
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.FOREIGN_SECRET
    assert foreign.id in turn.blocked.detail
    assert [one.status for one in made.living()] == ["ACTIVE", "ACTIVE"]


async def test_secret_of_another_installation_is_not_taken_for_a_lost_one(made: Stand) -> None:
    """What another turn asked for bears its mark and not ours: it blocks, and is not touched."""
    org, theirs = made.rig.org, {"User-Agent": "keyturn (another-turn)"}
    org.add_fault(Fault("error-before-effect", "POST", made.routes.all, count=1, status=503))
    await start(made)
    path = made.routes.all.format(apiServiceId=made.app_id)
    headers = {"Authorization": f"SSWS {org.seeded.api_token}", **theirs}
    transport = httpx2.ASGITransport(build_app(org))
    async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
        assert (await http.post(path, headers=headers)).status_code == 201
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.FOREIGN_SECRET
    assert [one.status for one in made.living()] == ["ACTIVE", "ACTIVE"]


async def test_call_that_had_no_effect_leaves_no_suspicion(made: Stand) -> None:
    """After a call that Okta refused, a secret that appears within a minute is somebody else's."""
    org = made.rig.org
    org.add_fault(Fault("rate-limit", "POST", made.routes.all, count=1))
    await start(made)
    foreign = org.create_secret(made.app_id)
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.FOREIGN_SECRET
    assert foreign.id in {one.id for one in made.living()}


async def test_first_secret_is_issued_beside_the_masked_one(rig: Rig) -> None:
    """A value that Okta does not show is not adopted, and the secret is left alone."""
    made = await stand(rig, KIND)
    (theirs,) = made.living()
    await made.create()
    assert (await made.finish()).phase is Phase.FINISHED
    first, ours = made.living()
    assert first == theirs
    assert ours.hash == await made.served_hash()
    with pytest.raises(TurnFailed, match=theirs.id):
        await made.begin()


async def test_masked_secret_is_adopted_by_its_entered_value(rig: Rig) -> None:
    """The value that an operator enters is proved by Okta's hash, and served at once."""
    made = await stand(rig, KIND)
    value = rig.org.apps[made.app_id].live_secrets[0].value
    await made.create(existing_value=Sensitive(value))
    assert (await made.served()).reveal() == value
    assert made.additions() == 0
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED


async def test_wrong_value_is_not_adopted(rig: Rig) -> None:
    """A value that is that of no secret is refused, and nothing is stored."""
    made = await stand(rig, KIND)
    with pytest.raises(Refused, match="no ACTIVE client secret"):
        await made.create(existing_value=Sensitive("some-other-value"))


async def test_aborted_turn_discards_what_was_lost(made: Stand) -> None:
    """An operator who aborts while an answer is lost leaves no orphan either."""
    rig, served = made.rig, await made.served_hash()
    rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    await start(made)
    await abort_turn(rig.world, rig.admin, made.rotation_id)
    assert (await made.finish()).phase is Phase.ROLLED_BACK
    assert [one.hash for one in made.living()] == [served] == [await made.served_hash()]


async def test_integration_that_is_gone_blocks(made: Stand) -> None:
    """An integration that was revoked is told as an app that is gone."""
    made.rig.org.delete_integration(made.app_id)
    await start(made)
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.APP_GONE


async def test_unknown_integration_is_refused(rig: Rig) -> None:
    """An app's id is no integration's: the types do not take each other's place."""
    made = await stand(rig, KIND)
    made.app_id = rig.app_id
    with pytest.raises(Refused, match=rig.app_id):
        await made.create()


async def test_secret_whose_answer_was_lost_is_no_strangers_while_the_turn_is_paused(
    made: Stand,
) -> None:
    """Nobody is told to consent to what Keyturn itself has asked Okta for."""
    rig = made.rig
    rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    rig.org.add_fault(Fault("error-before-effect", "GET", made.routes.all, skip=1))
    await start(made)
    rig.org.remove_fault()
    await pause_turn(rig.world, rig.admin, made.rotation_id)
    assert len(made.living()) == 2
    await compare_now(rig.world, rig.admin, rig.connection.id)
    assert await list_findings(rig.world, rig.admin, project="example") == []
