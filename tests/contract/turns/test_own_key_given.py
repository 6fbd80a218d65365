"""A connection is given another key by hand, and several want to turn its key at once."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import time

import httpx2
import pytest
from kinds_kit import ES256, Stand, settled, stand
from meanwhile_kit import Meanwhile
from rig import Rig

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.access import Grant, Holding, Role, Verb
from keyturn.domain.connection import ServiceApp
from keyturn.domain.drift import Kind
from keyturn.domain.errors import Forbidden, Refused, TurnFailed
from keyturn.domain.okta import CredentialKind, KeyAlgorithm
from keyturn.domain.project import Folder
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Reason, Trigger, Turn
from keyturn.sandbox import AppDraft, Fault, build_app
from keyturn.services.connections import (
    OktaConnectionChange,
    check_okta_connection,
    update_okta_connection,
)
from keyturn.services.drift import compare_now, list_findings
from keyturn.services.evidence_files import document, markdown
from keyturn.services.orders import abort_turn
from keyturn.services.own_key import turn_key
from keyturn.services.policies import PolicyChange
from keyturn.services.reports import list_turns, report_turn
from keyturn.services.rotations import RotationChange, update_rotation, view
from keyturn.services.schedules import ScheduleChange
from keyturn.services.sealing import open_version
from keyturn.services.turns import start

KIND, DAY = CredentialKind.CONNECTION_KEY, 86_400


@pytest.fixture
async def made(rig: Rig) -> Stand:
    """Give a connection whose service app has turned its key once."""
    return await settled(rig, KIND)


async def give(made: Stand, private_jwk: Sensitive) -> None:
    """Give the connection this key of its service app, by hand."""
    service = ServiceApp(made.rig.org.apps[made.app_id].client_id, private_jwk)
    of = OktaConnectionChange(credentials=service)
    await update_okta_connection(made.rig.world, made.rig.admin, made.connection_id, of)


async def give_another_key(made: Stand) -> str:
    """Add a key to the service app by hand, give it to the connection, and return its hash."""
    other = await stand(made.rig, CredentialKind.CLIENT_KEY)
    await other.create()
    app, donor = made.rig.org.apps[made.app_id], made.rig.org.apps[other.app_id]
    made.rig.org.store_app(replace(app, keys=(*app.keys, donor.keys[-1])))
    await give(made, await other.served())
    return other.living()[0].hash


async def give_another_app(made: Stand) -> None:
    """Give the connection another service app, with the same keys, and go on with that one."""
    org, private_jwk = made.rig.org, await made.served()
    like = org.apps[made.app_id]
    draft = AppDraft(
        "another",
        application_type="service",
        grant_types=like.grant_types,
        response_types=like.response_types,
        auth_method=like.auth_method,
        secrets=(),
    )
    app = org.create_app(draft)
    org.store_app(replace(app, keys=like.keys, grants=like.grants, roles=like.roles))
    made.app_id = app.id
    await give(made, private_jwk)


async def kept_client_id(made: Stand) -> str:
    """Return the client id that is kept beside the key, which nobody can read."""
    rig = made.rig
    seen = await view(rig.world, made.rotation_id)
    async with rig.world.store.reading() as tx:
        (secret,) = await tx.list(Secret, rotation_id=made.rotation_id, name="CLIENT_ID")
        (version,) = await tx.list(Version, secret_id=secret.id, state=State.CURRENT)
    return open_version(rig.world, seen.place.project, version).reveal()


async def test_key_that_was_changed_by_hand_is_followed(made: Stand) -> None:
    """The next turn begins with the key that is in use, however that came to be."""
    given = await give_another_key(made)
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED
    hashes = {one.hash for one in made.living()}
    assert await made.served_hash() in hashes
    assert given not in hashes


async def test_key_that_was_changed_by_hand_keeps_its_schedule(made: Stand) -> None:
    """Whoever gives a connection another key has asked for no other schedule or policy."""
    rig = made.rig
    weekly = ScheduleChange(interval_days=7, rotate_at=time(3, 0))
    of = RotationChange("own-key", schedule=weekly, policy=PolicyChange(soak_s=7_200))
    before = (await update_rotation(rig.world, rig.admin, made.rotation_id, of)).rotation
    await give_another_key(made)
    await made.begin()
    after = (await view(rig.world, made.rotation_id)).rotation
    assert (after.id, after.name, after.schedule) == (before.id, "own-key", before.schedule)
    assert after.policy == before.policy != rig.world.limits.policy


async def test_schedule_that_is_changed_meanwhile_is_kept(made: Stand) -> None:
    """While the given key is looked up at Okta its rotation may be changed like any."""
    rig = made.rig
    await give_another_key(made)

    async def change() -> None:
        weekly = RotationChange(schedule=ScheduleChange(interval_days=7))
        await update_rotation(rig.world, rig.admin, made.rotation_id, weekly)

    late = replace(rig.world, okta=Meanwhile(rig.world.okta, change))
    await turn_key(late, rig.admin, made.connection_id, algorithm=ES256)
    assert (await view(rig.world, made.rotation_id)).rotation.schedule.interval_days == 7


async def test_turns_before_a_given_key_stay_on_record(made: Stand) -> None:
    """Each is listed with its steps, those before the key was given by hand and those after."""
    rig = made.rig
    await made.begin()
    await made.finish()
    before = await list_turns(rig.world, rig.admin, made.rotation_id)
    await give_another_key(made)
    await made.begin()
    await made.finish()
    (new, *old) = await list_turns(rig.world, rig.admin, made.rotation_id)
    assert len(before) == 2
    assert old == before
    assert new.turn.old
    assert new.turn.old.version == 4


async def test_key_before_a_given_one_stays_known(made: Stand) -> None:
    """Nobody has taken it from the app at Okta, so its value is not destroyed."""
    before = await made.served_hash()
    await give_another_key(made)
    await made.begin()
    await made.finish()
    assert before in {one.hash for one in made.living()}
    async with made.rig.world.store.reading() as tx:
        assert [one.state for one in await tx.list(Version, hash=before)] == [State.PREVIOUS]


async def test_turn_before_another_service_app_tells_of_its_own(made: Stand) -> None:
    """The file of a turn names the app whose key it turned, though the connection has another."""
    rig, before = made.rig, made.app_id
    await give_another_app(made)
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED
    rotation = (await view(rig.world, made.rotation_id)).rotation
    (new, old) = await list_turns(rig.world, rig.admin, rotation.id)
    told = [
        document(await report_turn(rig.world, rig.admin, rotation.id, one.turn.id), rig.clock.now())
        for one in (new, old)
    ]
    assert [(one.app_id, one.client_id) for one in told] == [
        (made.app_id, rig.org.apps[made.app_id].client_id),
        (before, ""),
    ]
    assert f"{before}, client id not on record" in markdown(told[1], KIND)
    assert (rotation.app_id, rotation.client_id) == (told[0].app_id, told[0].client_id)
    assert rotation.parameter == await kept_client_id(made) == rotation.client_id
    assert len(made.living()) == 1


async def test_key_that_is_in_use_no_more_is_no_drift(made: Stand) -> None:
    """Whoever removes it at Okta, once another was given, has broken nothing that is in use."""
    rig, (before,) = made.rig, made.living()
    await give_another_key(made)
    app = rig.org.apps[made.app_id]
    rig.org.store_app(replace(app, keys=tuple(k for k in app.keys if k.id != before.id)))
    assert await compare_now(rig.world, rig.admin, made.connection_id) == 1
    assert await list_findings(rig.world, rig.admin, project="example") == []


async def test_key_in_use_that_is_deactivated_is_drift(made: Stand) -> None:
    """As long as the connection uses it, somebody has to know."""
    rig, (used,) = made.rig, made.living()
    await compare_now(rig.world, rig.admin, made.connection_id)
    app = rig.org.apps[made.app_id]
    rig.org.store_app(replace(app, keys=tuple(replace(k, status="INACTIVE") for k in app.keys)))
    await compare_now(rig.world, rig.admin, made.connection_id)
    (found,) = await list_findings(rig.world, rig.admin, project="example")
    assert (found.finding.kind, found.finding.subject) == (Kind.SECRET_DEACTIVATED, used.id)


async def test_scheduled_turn_of_a_key_that_is_in_use_no_more_adds_nothing(made: Stand) -> None:
    """It stops before Okta is asked for a key that nobody would use; an abort leads on."""
    rig = made.rig
    monthly = RotationChange(schedule=ScheduleChange(automatic=True, interval_days=30))
    await update_rotation(rig.world, rig.admin, made.rotation_id, monthly)
    await give_another_key(made)
    before = made.living()
    await rig.live(32 * DAY)
    turn = (await view(rig.world, made.rotation_id)).turn
    assert turn
    assert turn.blocked
    assert (turn.blocked.reason, turn.blocked.phase) == (
        Reason.CONNECTION_CHANGED,
        Phase.PLANNED,
    )
    assert made.living() == before
    await abort_turn(rig.world, rig.admin, made.rotation_id)
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED


async def test_key_that_is_given_again_without_its_name_gets_it_again(made: Stand) -> None:
    """Beside the next key a signature has to name its own, though the record knows this one."""
    rig, jwk = made.rig, json.loads((await made.served()).reveal())
    del jwk["kid"]
    await give(made, Sensitive(json.dumps(jwk)))
    rig.org.add_fault(Fault("error-before-effect", "POST", "/oauth2/v1/introspect", skip=1))
    with suppress(TurnFailed):
        await made.begin()
    assert len(made.living()) == 2
    way = httpx2.ASGITransport(build_app(rig.org))
    anew = replace(rig.world, okta=OktaHttpOrgs(rig.clock, rig.world.chance, transport=lambda: way))
    await check_okta_connection(anew, rig.admin, made.connection_id)


async def test_key_that_is_given_again_is_gone_after_its_turn(made: Stand) -> None:
    """However often it was given, no value of it is kept once Okta has it no more."""
    rig, before, jwk = (
        made.rig,
        await made.served_hash(),
        json.loads((await made.served()).reveal()),
    )
    del jwk["kid"]
    await give(made, Sensitive(json.dumps(jwk)))
    await made.begin()
    await made.finish()
    assert before not in {one.hash for one in made.living()}
    async with rig.world.store.reading() as tx:
        states = [one.state for one in await tx.list(Version, hash=before)]
    assert states == [State.DESTROYED, State.DESTROYED]


async def test_turn_that_begins_meanwhile_is_not_forgotten(made: Stand) -> None:
    """No other request serves another key under it: it would turn one that is not in use."""
    rig = made.rig
    served, given = await made.served_hash(), await give_another_key(made)

    async def begin() -> None:
        async with rig.world.store.writing() as tx:
            rotation = await tx.find(Rotation, id=made.rotation_id)
            assert rotation
            await start(tx, rig.world, rotation, Trigger.SCHEDULED)

    late = replace(rig.world, okta=Meanwhile(rig.world.okta, begin))
    with pytest.raises(Refused, match="under way"):
        await turn_key(late, rig.admin, made.connection_id, algorithm=ES256)
    async with rig.world.store.reading() as tx:
        assert [turn.phase for turn in await tx.list(Turn, ended_at=None)] == [Phase.PLANNED]
        assert [one.state for one in await tx.list(Version, hash=served)] == [State.CURRENT]
    assert given in {one.hash for one in made.living()}


@pytest.mark.parametrize("failures", [0, 3], ids=["in use", "not yet"])
async def test_second_who_turns_a_key_for_the_first_time_is_told(rig: Rig, failures: int) -> None:
    """Whoever comes second is refused in words, and the first one's turn goes on."""
    made = await stand(rig, KIND)
    refusal = Fault("error-before-effect", "POST", "/oauth2/v1/introspect", count=failures)
    rig.org.add_fault(refusal)

    async def begin() -> None:
        with suppress(TurnFailed):
            await made.begin()
        async with rig.world.store.reading() as tx:
            made.rotation_id = (await tx.list(Rotation))[0].id

    late = replace(rig.world, okta=Meanwhile(rig.world.okta, begin))
    with pytest.raises(Refused, match="has begun to turn the key of own"):
        await turn_key(late, rig.admin, made.connection_id, algorithm=ES256)
    assert (await made.finish()).phase is Phase.FINISHED
    assert len(made.living()) == 1


async def test_second_who_turns_a_given_key_is_told(made: Stand) -> None:
    """The record that one of them makes anew is not removed by the other."""
    rig = made.rig
    await give_another_key(made)
    late = replace(rig.world, okta=Meanwhile(rig.world.okta, made.begin))
    with pytest.raises(Refused, match="nothing was changed by this request"):
        await turn_key(late, rig.admin, made.connection_id, algorithm=ES256)
    assert (await made.finish()).phase is Phase.FINISHED
    assert (await view(rig.world, made.rotation_id)).rotation.kind is KIND


async def test_key_that_is_given_while_another_is_looked_up_stays_in_use(rig: Rig) -> None:
    """What the connection was given meanwhile is not overwritten by the name of the one before."""
    made, other = await stand(rig, KIND), await stand(rig, CredentialKind.CLIENT_KEY)
    await other.create()
    given = await other.served()
    jwk = json.loads((await made.served()).reveal())
    del jwk["kid"]
    await give(made, Sensitive(json.dumps(jwk)))
    app, donor = rig.org.apps[made.app_id], rig.org.apps[other.app_id]
    rig.org.store_app(replace(app, keys=(*app.keys, donor.keys[-1])))
    late = replace(rig.world, okta=Meanwhile(rig.world.okta, lambda: give(made, given)))
    with pytest.raises(Refused, match="has given it another"):
        await turn_key(late, rig.admin, made.connection_id, algorithm=ES256)
    assert await made.served() == given


async def test_refused_request_changes_no_turn_that_is_under_way(made: Stand) -> None:
    """The key of a turn is of the kind that was asked for by whoever began it."""
    rig = made.rig
    rig.org.add_fault(Fault("error-before-effect", "GET", made.routes.all))
    with suppress(TurnFailed):
        await made.begin()
    with pytest.raises(Refused, match="under way"):
        await turn_key(rig.world, rig.admin, made.connection_id, algorithm=KeyAlgorithm.RS256)
    rig.org.remove_fault()
    await made.finish()
    assert json.loads((await made.served()).reveal())["alg"] == "ES256"


async def test_nothing_is_written_for_who_may_not_turn(rig: Rig) -> None:
    """Whoever may change a connection and turn nothing is refused before anything is made."""
    made = await stand(rig, KIND)
    verbs = frozenset({Verb.READ_CONNECTIONS, Verb.EDIT_CONNECTIONS})
    keeper = replace(rig.admin, holdings=(Holding(Role("keeper", "Keeper", (Grant(verbs),))),))
    with pytest.raises(Forbidden, match="rotate"):
        await turn_key(rig.world, keeper, made.connection_id, algorithm=ES256)
    async with rig.world.store.reading() as tx:
        assert await tx.list(Rotation) == []
        assert {folder.path for folder in await tx.list(Folder)} == {"/"}
