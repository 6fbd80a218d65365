"""What people and outages do around a turn; judged by the sandbox."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta
from functools import partial

import pytest
from rig import PLACE, SECRETS, START, Rig

from keyturn.domain.errors import NotFound, OktaUnclear, Refused, SealBroken, TurnFailed
from keyturn.domain.ids import AppId, ProjectId
from keyturn.domain.okta import AuthMethod, CredentialKind, client_secret_value
from keyturn.domain.project import Project
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import SETTLED, Phase, Reason, Turn
from keyturn.sandbox import AppDraft, Fault
from keyturn.services.consent import retire_existing
from keyturn.services.ending import delete_rotation
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import TurnStep
from keyturn.services.rotations import RotationChange, update_rotation, view
from keyturn.services.schedules import ScheduleChange
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate, start_due
from keyturn.testing import CrashingStore, CrashPlan

ONE = f"{SECRETS}/{{secretId}}"


class Died(BaseException):
    """What stands for SIGKILL inside one process."""


def die() -> None:
    """Die."""
    raise Died


async def revoke(rig: Rig, rotation_id: str) -> None:
    """End a rotation and have its secrets removed at Okta."""
    await delete_rotation(rig.world, rig.admin, rotation_id, delete_secrets=True, revoke=True)


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the open or last turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def test_secret_removed_while_the_process_was_away_is_not_served(rig: Rig) -> None:
    """A new secret that Okta once accepted is proved again before it is served."""
    rotation = (await rig.rotation()).rotation
    served, healthy = await rig.served_hash(), rig.world
    plan = CrashPlan(Phase.VERIFIED, "after")
    rig.world = replace(healthy, store=CrashingStore(healthy.store, plan, die))
    with pytest.raises(Died):
        await rotate(rig.world, rig.admin, rotation.id)
    rig.world = healthy
    new = rig.living()[1]["id"]
    rig.org.deactivate_secret(rig.app_id, new)
    rig.org.delete_secret(rig.app_id, new)
    assert (await rig.run(rotation.id)).phase is Phase.ROLLED_BACK
    assert await rig.served_hash() == served == rig.living()[0]["hash"]


async def test_revoking_takes_ours_and_leaves_theirs(rig: Rig) -> None:
    """Revoking removes what the rotation kept at Okta, each on record, and nothing foreign."""
    rotation = (await rig.rotation()).rotation
    theirs = rig.org.create_secret(rig.app_id, None)
    await revoke(rig, rotation.id)
    assert [s["id"] for s in rig.living()] == [theirs.id]
    with pytest.raises(NotFound):
        await rig.served_hash()
    async with rig.world.store.reading() as tx:
        verbs = [entry.attempt.verb for entry in await tx.list_audit()]
        assert await tx.list(Rotation) == await tx.list(Secret) == []
    assert verbs.count("revoke a client secret") == 1


async def test_revoking_stops_serving_before_okta_is_asked(rig: Rig) -> None:
    """A revocation that Okta breaks off hands nobody a dead secret, and can be completed."""
    rotation = (await rig.rotation()).rotation
    rig.org.create_secret(rig.app_id, None)
    rig.org.add_fault(Fault("error-before-effect", "DELETE", ONE, count=1))
    with pytest.raises(OktaUnclear):
        await revoke(rig, rotation.id)
    with pytest.raises(NotFound):
        await rig.served_hash()
    with pytest.raises(Refused, match="being ended"):
        await rotate(rig.world, rig.admin, rotation.id)
    await revoke(rig, rotation.id)
    assert len(rig.living()) == 1


async def test_revoking_includes_a_secret_that_was_never_served(rig: Rig) -> None:
    """The new secret of a blocked turn is ours too."""
    rotation = (await rig.rotation()).rotation
    rig.org.add_fault(Fault("drop-after-effect", "POST", SECRETS, count=1))
    rig.org.add_fault(Fault("error-before-effect", "GET", SECRETS, count=1, status=403, skip=1))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.BLOCKED
    with pytest.raises(Refused, match="without an active"):
        await revoke(rig, rotation.id)
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]


async def test_rotation_is_not_ended_under_a_turn(rig: Rig) -> None:
    """While a turn is under way the rotation stays, with or without revoking."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    with pytest.raises(Refused, match="under way"):
        await delete_rotation(rig.world, rig.admin, rotation.id, delete_secrets=True, revoke=False)
    assert await rig.served_hash() == rig.living()[1]["hash"]


async def test_revoking_what_stays_readable_is_refused(rig: Rig) -> None:
    """Nobody is left with a readable, dead secret."""
    rotation = (await rig.rotation()).rotation
    rig.org.create_secret(rig.app_id, None)
    with pytest.raises(Refused, match="deleteSecrets"):
        await delete_rotation(rig.world, rig.admin, rotation.id, delete_secrets=False, revoke=True)
    assert len(rig.living()) == 2


async def test_consent_opens_a_turn_that_a_foreign_secret_blocks(rig: Rig) -> None:
    """Consent is possible exactly when the block asks for it; afterwards turns go on."""
    rotation = (await rig.rotation()).rotation
    foreign = rig.org.create_secret(rig.app_id, None)
    with pytest.raises(TurnFailed, match=foreign.id):
        await rotate(rig.world, rig.admin, rotation.id)
    await retire_existing(rig.world, rig.admin, rotation.id, rig.consent(foreign.id))
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]


async def test_consent_outlives_a_first_turn_that_was_taken_back(rig: Rig) -> None:
    """What the owner consented to at creation is retired by the next turn."""
    theirs = rig.living()[0]["id"]
    rig.org.change_settings(propagation_s=10**6)
    rotation = (
        await rig.rotation(adopt_existing=False, retire_existing=rig.consent(theirs))
    ).rotation
    assert (await rig.run(rotation.id)).phase is Phase.ROLLED_BACK
    rig.org.change_settings(propagation_s=0)
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]


async def test_switching_off_stops_a_scheduled_turn_that_has_not_begun(rig: Rig) -> None:
    """Disabling takes effect on what is queued already."""
    rotation = (await rig.rotation()).rotation
    outage = rig.org.add_fault(Fault("drop-before-effect"))
    rig.clock.advance(timedelta(days=40).total_seconds())
    await rig.tick()
    off = RotationChange(schedule=ScheduleChange(automatic=False))
    await update_rotation(rig.world, rig.admin, rotation.id, off)
    rig.org.remove_fault(outage)
    rig.clock.advance(3600)
    await rig.tick()
    assert not rig.posts()
    assert not (await turn_of(rig, rotation.id)).open


async def test_resumed_late_turn_is_not_told_as_a_new_one(rig: Rig) -> None:
    """Whoever asks for a turn and gets the end of an old one is told so."""
    rotation = (await rig.rotation()).rotation
    old = rig.living()[0]["id"]
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(300)
    await rig.tick()
    rig.org.activate_secret(rig.app_id, old)
    assert (await rig.run(rotation.id)).phase is Phase.BLOCKED
    with pytest.raises(Refused, match="no new secret was issued"):
        await rotate(rig.world, rig.admin, rotation.id)
    assert len(rig.posts()) == 1


async def test_blocked_turn_gets_its_next_chance_tomorrow(rig: Rig) -> None:
    """A repaired cause is found by the next day's look, and the calendar goes on as before."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    planned = (await view(rig.world, rotation.id)).rotation.next_rotation_at
    tokens = dict(rig.org.api_tokens)
    rig.org.api_tokens.clear()
    assert (await rig.run(rotation.id)).phase is Phase.BLOCKED
    tomorrow = (await view(rig.world, rotation.id)).rotation.next_rotation_at
    assert tomorrow
    assert tomorrow - START < timedelta(days=2)
    rig.org.api_tokens.update(tokens)
    rig.clock.advance(timedelta(days=1).total_seconds())
    await rig.tick()
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    after = (await view(rig.world, rotation.id)).rotation
    assert (after.next_rotation_at, after.last_message) == (planned, None)


async def test_changed_way_of_authenticating_is_followed(rig: Rig) -> None:
    """An app that authenticates in another way than at creation is probed in that way."""
    rotation = (await rig.rotation()).rotation
    spare = rig.org.create_secret(rig.app_id, None)
    old = rig.living()[0]["id"]
    rig.org.deactivate_secret(rig.app_id, old)
    rig.org.delete_secret(rig.app_id, old)
    rig.org.change_auth_method(rig.app_id, "client_secret_post")
    await rotate(rig.world, rig.admin, rotation.id)
    seen = await view(rig.world, rotation.id)
    assert seen.rotation.auth_method is AuthMethod.CLIENT_SECRET_POST
    assert spare.id in {s["id"] for s in rig.living()}


async def test_day_of_outage_leaves_a_short_record(rig: Rig) -> None:
    """The same failure again and again is one line."""
    rotation = (await rig.rotation()).rotation
    outage = rig.org.add_fault(Fault("drop-before-effect"))
    with pytest.raises(TurnFailed, match="could not be reached"):
        await rotate(rig.world, rig.admin, rotation.id)
    for _ in range(100):
        rig.clock.advance(300)
        await rig.tick()
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(TurnStep)) < 10
    rig.org.remove_fault(outage)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_value_that_does_not_open_is_told_and_waited_out(rig: Rig) -> None:
    """A fault of our own is in the rotation's message, and comes back with growing pauses."""
    rotation = (await rig.rotation()).rotation

    class Broken:
        """A vault that opens nothing but credentials."""

        seal = staticmethod(rig.world.vault.seal)
        new_data_key = staticmethod(rig.world.vault.new_data_key)

        def open(self, data_key: bytes, scope: str, place: str, sealed: bytes) -> Sensitive:
            if place.startswith("version"):
                raise SealBroken
            return rig.world.vault.open(data_key, scope, place, sealed)

    with pytest.raises(TurnFailed, match="does not open"):
        await rotate(replace(rig.world, vault=Broken()), rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_one_broken_rotation_keeps_no_other_waiting(rig: Rig) -> None:
    """The schedule starts what it can."""
    broken = (await rig.rotation()).rotation
    app = rig.org.create_app(AppDraft("second"))
    mapping = SecretsMapping("SECOND_ID", "SECOND_SECRET")
    healthy = (await rig.rotation(name="second", parameter=app.id, mapping=mapping)).rotation
    async with rig.world.store.writing() as tx:
        for secret in await tx.list(Secret, rotation_id=broken.id):
            await tx.remove(*await tx.list(Version, secret_id=secret.id))
            await tx.remove(secret)
    await rig.live(timedelta(days=40).total_seconds())
    assert (await turn_of(rig, healthy.id)).phase is Phase.FINISHED


async def test_every_change_at_okta_is_on_record_before_it_is_made(rig: Rig) -> None:
    """The audit log says what a turn asked of Okta, also where Okta never answered."""
    rotation = (await rig.rotation()).rotation
    rig.org.add_fault(Fault("drop-before-effect", "POST", SECRETS, count=1))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    async with rig.world.store.reading() as tx:
        told = [e.attempt for e in await tx.list_audit() if e.attempt.actor.startswith("turn ")]
    assert [(each.verb, rig.app_id in each.subject) for each in told] == [
        ("add a client secret", True),
        ("add a client secret", True),
        ("deactivate the old client secret", True),
        ("delete the old client secret", True),
    ]


async def test_adoption_needs_okta_to_accept_the_secret(rig: Rig) -> None:
    """An ACTIVE secret that Okta does not accept is not served."""
    rig.org.change_settings(propagation_s=10**6)
    app = rig.org.create_app(AppDraft("second", secrets=()))
    rig.org.create_secret(app.id, None)
    with pytest.raises(Refused, match="does not accept"):
        await rig.rotation(parameter=app.id)


async def test_first_secret_is_served_with_its_client_id(rig: Rig) -> None:
    """Both mapped names are readable from the same moment."""
    await rig.rotation(adopt_existing=False)
    read = await read_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_ID")
    assert read.value.reveal() == rig.app_id


async def test_value_that_was_taken_back_is_destroyed(rig: Rig) -> None:
    """A value that Okta never accepted is not kept."""
    rotation = (await rig.rotation()).rotation
    rig.org.change_settings(propagation_s=10**6)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    async with rig.world.store.reading() as tx:
        versions = await tx.list(Version)
    assert [(v.state, v.sealed) for v in versions if v.number == 2] == [(State.DESTROYED, None)]


async def test_okta_that_keeps_another_value_blocks_and_stays_known(rig: Rig) -> None:
    """A secret that Okta made of another value is named, and the rotation stays to tell of it."""
    healthy = rig.world

    class Stubborn:
        """Orgs that keep a value of their own."""

        def open(self, *where: object, **how: object) -> object:
            org = healthy.okta.open(*where, **how)  # type: ignore[arg-type]  # passed on
            kept = client_secret_value(bytes(48))
            at_okta = org.credentials_of(AppId(rig.app_id), CredentialKind.CLIENT_SECRET)
            add = at_okta.add
            at_okta.add = lambda value: add(kept)  # type: ignore[method-assign]
            org.credentials_of = lambda app_id, kind: at_okta  # type: ignore[method-assign]
            return org

    rig.world = replace(healthy, okta=Stubborn())  # type: ignore[arg-type]  # a port in miniature
    rotation = (await rig.rotation(adopt_existing=False)).rotation
    rig.world = healthy
    blocked = (await turn_of(rig, rotation.id)).blocked
    assert blocked
    assert blocked.reason is Reason.VALUE_NOT_KEPT
    assert rig.living()[1]["id"] in blocked.detail


async def test_connection_of_another_project_cannot_be_used(rig: Rig) -> None:
    """A project speaks to Okta through its own connections only."""
    other = Project(
        ProjectId("p2"), rig.connection.organization_id, "Other", "other", b"", rig.clock.now()
    )
    async with rig.world.store.writing() as tx:
        await tx.add(other)
        await tx.replace(replace(rig.connection, project_id=other.id))
    with pytest.raises(NotFound, match="for this project"):
        await rig.rotation()


async def test_mapped_names_may_change_places(rig: Rig) -> None:
    """Names are changed without a moment in which one is missing, also crosswise."""
    rotation = (await rig.rotation()).rotation
    swapped = SecretsMapping("OKTA_CLIENT_SECRET", "OKTA_CLIENT_ID")
    change = RotationChange(mapping=swapped)
    await update_rotation(rig.world, rig.admin, rotation.id, change)
    read = await read_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET")
    assert read.value.reveal() == rig.app_id
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_rotation_stays_with_its_app(rig: Rig) -> None:
    """Another app takes another rotation."""
    rotation = (await rig.rotation()).rotation
    with pytest.raises(Refused, match="another rotation"):
        await update_rotation(
            rig.world, rig.admin, rotation.id, RotationChange(parameter="0oaOther")
        )


async def test_two_requests_for_a_turn_make_one(rig: Rig) -> None:
    """Of two people who turn at the same moment one is told that a turn is under way."""
    rotation = (await rig.rotation()).rotation
    both = [rotate(rig.world, rig.admin, rotation.id) for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert len(rig.posts()) == 1


async def test_shorter_overlap_takes_effect_on_a_sleeping_turn(rig: Rig) -> None:
    """A change of the policy is looked at now, not when the old time is over."""
    rotation = (await rig.rotation(policy=PolicyChange(overlap_s=3600))).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await update_rotation(
        rig.world, rig.admin, rotation.id, RotationChange(policy=PolicyChange(overlap_s=300))
    )
    rig.clock.advance(300)
    await rig.tick()
    assert [s["status"] for s in rig.living()] == ["INACTIVE", "ACTIVE"]


async def test_schedule_leaves_a_running_turn_alone(rig: Rig) -> None:
    """A date that comes while a turn is under way starts no second one."""
    rotation = (
        await rig.rotation(
            schedule=Schedule(1, time(10, 0)),
            policy=PolicyChange(overlap_s=10**6, backstop_s=10**7),
        )
    ).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(timedelta(days=3).total_seconds())
    await rig.tick()
    assert len(rig.posts()) == 1


async def test_turn_that_was_ended_meanwhile_is_left(rig: Rig) -> None:
    """A worker whose turn was given up while it looked at Okta writes nothing any more."""
    rotation = (await rig.rotation()).rotation
    rig.clock.advance(timedelta(days=40).total_seconds())
    await start_due(rig.world)
    off = RotationChange(schedule=ScheduleChange(automatic=False))

    async def switch_off(seconds: float) -> None:
        await update_rotation(rig.world, rig.admin, rotation.id, off)

    rig.org.sleep = switch_off
    rig.org.add_fault(Fault("delay", "GET", SECRETS, seconds=1, count=1))
    await rig.tick()
    assert not rig.posts()
    assert (await turn_of(rig, rotation.id)).phase is Phase.ROLLED_BACK


async def test_given_up_value_is_destroyed(rig: Rig) -> None:
    """A value that Okta can no longer come to have does not outlive its turn."""
    rotation = (await rig.rotation()).rotation
    rig.clock.advance(60)
    foreign = rig.org.create_secret(rig.app_id, None)
    rig.org.add_fault(Fault("stale-read", "GET", SECRETS, count=1, seconds=30))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    posted = (await rig.run(rotation.id)).posted
    assert posted
    consent = partial(retire_existing, rig.world, rig.admin, rotation.id, rig.consent(foreign.id))
    rig.clock.advance((posted.last_at + SETTLED - rig.clock.now()).total_seconds() - 1)
    with pytest.raises(Refused, match="may still be added"):
        await consent()
    rig.clock.advance(1)
    await consent()
    async with rig.world.store.reading() as tx:
        versions = await tx.list(Version)
    assert [v.sealed for v in versions if v.number == 2] == [None]


async def test_old_secret_that_somebody_removed_is_no_hindrance(rig: Rig) -> None:
    """An old secret that is gone at Okta before its time is retired and deleted without a call."""
    rotation = (await rig.rotation()).rotation
    old = rig.living()[0]["id"]
    await rotate(rig.world, rig.admin, rotation.id)
    rig.org.deactivate_secret(rig.app_id, old)
    rig.org.delete_secret(rig.app_id, old)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_org_that_moved_to_a_private_address_blocks(rig: Rig) -> None:
    """An address that is no longer gone to stops the turn, and says so."""
    rotation = (await rig.rotation()).rotation
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(rig.connection, instance_url="http://10.0.0.1"))
    with pytest.raises(TurnFailed, match="https://"):
        await rotate(rig.world, rig.admin, rotation.id)


async def test_turn_at_rest_belongs_to_nobody(rig: Rig) -> None:
    """Whoever lets a turn sleep gives it back, so that any worker may take it up."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await turn_of(rig, rotation.id)).owner is None


async def test_lease_is_renewed_before_okta_is_changed(rig: Rig) -> None:
    """A slow look does not eat the time in which nobody else may take the turn over."""
    rotation = (await rig.rotation()).rotation
    left: list[timedelta] = []

    async def slow(seconds: float) -> None:
        turn = await turn_of(rig, rotation.id)
        assert turn.wake_at
        left.append(turn.wake_at - rig.clock.now())
        rig.clock.advance(seconds)

    rig.org.sleep = slow
    for method in ("GET", "POST"):
        rig.org.add_fault(Fault("delay", method, SECRETS, seconds=30, count=1))
    await rotate(rig.world, rig.admin, rotation.id)
    assert left == [rig.world.limits.lease] * 2
