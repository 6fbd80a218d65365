"""The key by which Keyturn itself logs in, turned by the same machine."""

import json
from contextlib import suppress
from dataclasses import replace

import httpx2
import pytest
from kinds_kit import ES256, Stand, settled, stand
from rig import ORG_URL, PLACE, Rig

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.access import VIEWER, Holding
from keyturn.domain.connection import ApiToken, OktaConnection, ServiceApp
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound, Refused, TurnFailed
from keyturn.domain.okta import MAX_CLIENT_KEYS, CredentialKind, KeyAlgorithm
from keyturn.domain.project import Folder
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Reason
from keyturn.sandbox import Fault, build_app
from keyturn.services.connections import (
    OktaConnectionChange,
    OktaConnectionDraft,
    check_okta_connection,
    create_okta_connection,
    delete_okta_connection,
    update_okta_connection,
)
from keyturn.services.ending import delete_rotation
from keyturn.services.generated_credentials import read_generated_credentials
from keyturn.services.orders import abort_turn
from keyturn.services.own_key import turn_key
from keyturn.services.rotations import list_rotations, view
from keyturn.services.secrets import list_secrets, read_secret

KIND = CredentialKind.CONNECTION_KEY


@pytest.fixture
async def made(rig: Rig) -> Stand:
    """Give a connection whose service app has turned its key once."""
    return await settled(rig, KIND)


async def change(made: Stand, credentials: ApiToken | ServiceApp) -> None:
    """Give the connection other credentials, by hand."""
    of = OktaConnectionChange(credentials=credentials)
    await update_okta_connection(made.rig.world, made.rig.admin, made.connection_id, of)


def client_id(made: Stand) -> str:
    """Return the service app's client id."""
    return made.rig.org.apps[made.app_id].client_id


async def test_first_turn_recognises_the_key_in_use(rig: Rig) -> None:
    """The key that the connection was made with is found at Okta, and replaced."""
    made = await stand(rig, KIND)
    (old,) = made.living()
    await made.begin()
    assert [one.status for one in made.living()] == ["ACTIVE", "ACTIVE"]
    assert await made.served_hash() == made.living()[1].hash
    assert (await made.finish()).phase is Phase.FINISHED
    assert old not in made.living()
    assert await made.accepted(await made.served())


async def test_key_in_use_is_as_old_as_at_okta(rig: Rig) -> None:
    """That Keyturn knows it since the first turn only makes it no younger."""
    made = await stand(rig, KIND)
    (old,) = rig.org.apps[made.app_id].keys
    rig.clock.advance(9 * 86_400)
    await made.begin()
    async with rig.world.store.reading() as tx:
        versions = await tx.list(Version, okta_id=old.id)
    assert [each.issued_at for each in versions] == [old.created_at]


async def test_new_key_is_used_from_the_commit_on(made: Stand) -> None:
    """The connection's version tells that it changed, and the next call is signed by the new key.

    A token is issued for the new key before the connection uses it.
    """
    async with made.rig.world.store.reading() as tx:
        before = await tx.find(OktaConnection, id=made.connection_id)
    await made.begin()
    async with made.rig.world.store.reading() as tx:
        after = await tx.find(OktaConnection, id=made.connection_id)
    assert before
    assert after
    assert after.version == before.version + 1
    tokens = [c for c in made.rig.calls() if c["route"] == "/oauth2/v1/token"]
    assert [token["status"] for token in tokens] == [200]


async def test_key_without_a_token_is_not_used(made: Stand) -> None:
    """A new key that Okta knows, and issues no token for, is taken back."""
    served = await made.served_hash()
    refusal = Fault("error-before-effect", "POST", "/oauth2/v1/token", status=401)
    made.rig.org.add_fault(refusal)
    with suppress(TurnFailed):
        await made.begin()
    await made.rig.tick()
    assert await made.served_hash() == served


async def test_connection_with_an_api_token_has_no_key(rig: Rig) -> None:
    """An API token is not a key: the refusal says what to do."""
    with pytest.raises(Refused, match="API token"):
        await turn_key(rig.world, rig.admin, rig.connection.id, algorithm=ES256)


async def test_key_that_okta_does_not_list_is_refused(rig: Rig) -> None:
    """A key that Okta fetches from somewhere else is not turned here."""
    made = await stand(rig, KIND)
    app = rig.org.apps[made.app_id]
    rig.org.store_app(replace(app, keys=()))
    with pytest.raises(Refused, match="lists no ACTIVE key"):
        await made.begin()


async def test_key_that_works_is_not_taken_back(made: Stand) -> None:
    """Once the connection uses the new one an abort is refused, and the turn ends as ever."""
    await made.begin()
    with pytest.raises(Refused, match="so it stays"):
        await abort_turn(made.rig.world, made.rig.admin, made.rotation_id)
    assert (await made.finish()).phase is Phase.FINISHED
    assert len(made.living()) == 1


async def test_room_is_made_for_the_next_key(rig: Rig) -> None:
    """What an earlier turn has left INACTIVE goes, and the key in use is known all the while."""
    made = await stand(rig, KIND)
    (first,) = rig.org.apps[made.app_id].keys
    await made.begin()
    await made.finish()
    app = rig.org.apps[made.app_id]
    others = [replace(first, id=f"pks{i}") for i in range(MAX_CLIENT_KEYS - 2)]
    rig.org.store_app(replace(app, keys=(*app.keys, replace(first, status="INACTIVE"), *others)))
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED
    assert first.id not in {one.id for one in made.living()}


async def test_key_of_two_connections_is_refused(made: Stand) -> None:
    """Another connection with the same key would be left with a dead one; with its own it is not.

    Nor is the app taken for anybody else's.
    """
    rig, served = made.rig, await made.served()
    draft = OktaConnectionDraft("twin", None, None, ORG_URL, ServiceApp(client_id(made), served))
    twin = await create_okta_connection(rig.world, rig.admin, draft)
    with pytest.raises(Refused, match="Connection twin logs in with the same key"):
        await made.begin()
    await delete_okta_connection(rig.world, rig.admin, twin.id)
    await made.begin()


async def test_own_app_is_no_app_of_a_rotation(rig: Rig) -> None:
    """Keyturn's own key is not turned as if readers used it."""
    made = await stand(rig, KIND)
    made.kind = CredentialKind.CLIENT_KEY
    with pytest.raises(Refused, match="turn-key own"):
        await made.create()


async def test_only_a_super_admin_may(made: Stand) -> None:
    """Okta's refusal says who may, and Keyturn goes on with the key that it has."""
    served = await made.served_hash()
    made.rig.org.change_admin_role(made.app_id, "APP_ADMIN")
    with pytest.raises(TurnFailed, match="only a super administrator may"):
        await made.begin()
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.KEY_CHANGE_REFUSED
    assert await made.served_hash() == served
    made.rig.org.change_admin_role(made.app_id, "SUPER_ADMIN")
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED


async def test_credentials_given_meanwhile_are_not_overwritten(made: Stand) -> None:
    """A turn whose connection was given other credentials stops, and can be taken back."""
    token, rig = ApiToken(Sensitive(made.rig.org.seeded.api_token)), made.rig
    fault = rig.org.add_fault(Fault("error-before-effect", "POST", "/oauth2/v1/introspect", skip=1))
    with suppress(TurnFailed):
        await made.begin()
    await change(made, token)
    rig.org.remove_fault(fault)
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.CONNECTION_CHANGED
    await abort_turn(rig.world, rig.admin, made.rotation_id)
    assert (await made.finish()).phase is Phase.ROLLED_BACK
    assert len(made.living()) == 1


async def test_old_key_stays_while_the_connection_uses_it_again(made: Stand) -> None:
    """Nothing is deactivated that the connection was set back to."""
    old = await made.served()
    await made.begin()
    await change(made, ServiceApp(client_id(made), old))
    turn = await made.finish()
    assert turn.blocked
    assert turn.blocked.reason is Reason.CONNECTION_CHANGED
    assert [one.status for one in made.living()] == ["ACTIVE", "ACTIVE"]
    assert await made.accepted(old)


async def test_nobody_reads_the_key(made: Stand) -> None:
    """No path names the folder, and no slot shows what Keyturn itself logs in with."""
    rig = made.rig
    seen = await view(rig.world, made.rotation_id)
    path = seen.place.folder.path
    with pytest.raises(InvalidInput):
        await read_secret(rig.world, rig.admin, replace(PLACE, path=path), "PRIVATE_JWK")
    assert not (await list_secrets(rig.world, rig.admin, PLACE)).secrets
    with pytest.raises(Refused, match="nobody"):
        await read_generated_credentials(rig.world, rig.admin, made.rotation_id)


async def test_its_record_is_a_rotation_like_any(made: Stand) -> None:
    """The turns of the key are found where turns are looked for."""
    rig = made.rig
    views = await list_rotations(rig.world, rig.admin, project="example")
    assert [(v.rotation.kind, v.rotation.name) for v in views] == [(KIND, "key-of-own")]


async def test_order_that_is_refused_leaves_the_algorithm(made: Stand) -> None:
    """The next turn adds a key as whoever may start it has asked, not one who was refused."""
    rig = made.rig
    await made.begin()
    before = (await view(rig.world, made.rotation_id)).rotation.algorithm
    other = next(each for each in KeyAlgorithm if each is not before)
    with pytest.raises(Refused, match="is under way"):
        await turn_key(rig.world, rig.admin, made.connection_id, algorithm=other)
    assert (await view(rig.world, made.rotation_id)).rotation.algorithm is before


async def test_connection_goes_with_its_record(made: Stand) -> None:
    """A connection that nothing else uses can be removed; nothing is left of its key."""
    rig = made.rig
    await delete_okta_connection(rig.world, rig.admin, made.connection_id)
    async with rig.world.store.reading() as tx:
        left = [await tx.list(kind) for kind in (Rotation, Secret, Version)]
        folders = [folder.path for folder in await tx.list(Folder)]
    assert left == [[], [], []]
    assert set(folders) == {"/"}


async def test_connection_is_not_removed_while_its_key_turns(made: Stand) -> None:
    """What would be left is two keys at Okta that nobody turns."""
    await made.begin()
    with pytest.raises(Refused, match="key-of-own"):
        await delete_okta_connection(made.rig.world, made.rig.admin, made.connection_id)


async def test_record_can_be_ended_and_the_key_works_on(made: Stand) -> None:
    """Ending the rotation leaves the connection as it is; revoking its key is refused."""
    rig, served = made.rig, await made.served()
    with pytest.raises(Refused, match="logs in with this key"):
        await delete_rotation(
            rig.world, rig.admin, made.rotation_id, delete_secrets=True, revoke=True
        )
    await delete_rotation(
        rig.world, rig.admin, made.rotation_id, delete_secrets=False, revoke=False
    )
    assert await made.accepted(served)
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED


async def test_it_is_not_created_as_a_rotation(made: Stand) -> None:
    """Whoever asks for a rotation of a connection's key is sent to the right door."""
    with pytest.raises(Refused, match="turn-key"):
        await made.create()


async def test_viewer_may_not_turn_it(made: Stand) -> None:
    """Whoever may not change a connection may not turn its key."""
    viewer = replace(made.rig.admin, holdings=(Holding(VIEWER),))
    with pytest.raises(Forbidden, match="viewer"):
        await turn_key(made.rig.world, viewer, made.connection_id, algorithm=ES256)
    assert len(made.living()) == 1


async def test_unknown_connection_is_not_found(rig: Rig) -> None:
    """A name that nobody gave is not found."""
    with pytest.raises(NotFound):
        await turn_key(rig.world, rig.admin, "none", algorithm=ES256)


async def test_key_without_a_name_logs_in_beside_the_new_one(rig: Rig) -> None:
    """Okta tells two keys apart by the `kid` of a signature: the one in use gets that of its list.

    Else a process that came up before the new key is used could not log in, to go on or to abort.
    """
    made = await stand(rig, KIND)
    jwk = json.loads((await made.served()).reveal())
    del jwk["kid"]
    await change(made, ServiceApp(client_id(made), Sensitive(json.dumps(jwk))))
    rig.org.add_fault(Fault("error-before-effect", "POST", "/oauth2/v1/introspect", skip=1))
    with suppress(TurnFailed):
        await made.begin()
    assert len(made.living()) == 2
    way = httpx2.ASGITransport(build_app(rig.org))
    anew = replace(rig.world, okta=OktaHttpOrgs(rig.clock, rig.world.chance, transport=lambda: way))
    await check_okta_connection(anew, rig.admin, made.connection_id)
