"""Client keys: Okta knows the public half, readers are given the private one."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from kinds_kit import DRAFTS, JWKS, Stand, settled, stand
from rig import Rig

from keyturn.domain.errors import Refused, TurnFailed
from keyturn.domain.okta import CredentialKind, KeyAlgorithm
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Reason
from keyturn.sandbox import Fault
from keyturn.services.ending import delete_rotation
from keyturn.services.generated_credentials import read_generated_credentials
from keyturn.services.policies import PolicyChange

KIND = CredentialKind.CLIENT_KEY
ONE = f"{JWKS}/{{keyId}}"


@pytest.fixture
async def made(rig: Rig) -> Stand:
    """Give an app with one key of ours and one of somebody else."""
    return await settled(rig, KIND)


async def start(made: Stand) -> None:
    """Start a turn that may not come far."""
    with suppress(TurnFailed):
        await made.begin()


async def test_readers_are_given_a_whole_private_key(made: Stand) -> None:
    """The value is a private key in JSON, named by its thumbprint; Okta has its public half."""
    key = json.loads((await made.served()).reveal())
    assert {"kty", "kid", "alg", "use", "crv", "x", "y", "d"} == set(key)
    assert key["kid"] == await made.served_hash() == made.living()[0].hash
    (public,) = (k.jwk for k in made.rig.org.apps[made.app_id].keys if k.kid == key["kid"])
    assert "d" not in public
    assert made.rig.org.apps[made.app_id].client_id


async def test_rsa_is_the_default(rig: Rig) -> None:
    """Without a choice a new key signs RS256 and has 2,048 bits, which is Okta's least."""
    made = await stand(rig, KIND)
    await made.create(algorithm=KeyAlgorithm.RS256)
    key = json.loads((await made.served()).reveal())
    assert (key["kty"], key["alg"]) == ("RSA", "RS256")
    assert len(key["n"]) == 342
    assert await made.accepted(await made.served())


async def test_other_keys_are_left_alone(made: Stand) -> None:
    """Somebody else's key stands beside ours before and after a turn, and is no hindrance."""
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED
    keys = made.rig.org.apps[made.app_id].keys
    assert [(key.kid, key.status) for key in keys if key.id in made.foreign] == [
        ("theirs", "ACTIVE")
    ]
    assert len(keys) == 2


async def test_lost_answer_is_found_by_the_thumbprint(made: Stand) -> None:
    """A key whose answer was lost is recognised in Okta's list, and not added twice."""
    before = made.additions()
    made.rig.org.add_fault(Fault("drop-after-effect", "POST", JWKS, count=1))
    await start(made)
    assert (await made.finish()).phase is Phase.FINISHED
    assert made.additions() - before == 1


async def test_key_that_a_stale_list_hides_is_not_added_twice(made: Stand) -> None:
    """Okta refuses a second key of the same name; a later list shows the first."""
    org, before = made.rig.org, made.additions()
    org.add_fault(Fault("drop-after-effect", "POST", JWKS, count=1))
    org.add_fault(Fault("stale-read", "GET", JWKS, skip=1, count=1, seconds=30))
    await start(made)
    assert (await made.finish()).phase is Phase.FINISHED
    assert made.additions() - before == 1


async def test_app_that_uses_a_secret_is_refused(rig: Rig) -> None:
    """A key is of no use to an app with a client secret, and switching it is not for us."""
    made = await stand(rig, CredentialKind.CLIENT_SECRET)
    made.kind = KIND
    with pytest.raises(Refused, match="deletes the app's client secrets"):
        await made.create()
    assert len(made.living()) == 1


async def test_app_that_uses_keys_is_refused_a_secret(rig: Rig) -> None:
    """The reverse: an app with keys has no client secret to turn."""
    made = await stand(rig, KIND)
    made.kind = CredentialKind.CLIENT_SECRET
    with pytest.raises(Refused, match="private_key_jwt"):
        await made.create()


async def test_app_that_was_switched_to_a_secret_blocks(made: Stand) -> None:
    """A turn of keys does not go on in an app that authenticates otherwise now."""
    made.rig.org.change_auth_method(made.app_id, "client_secret_basic")
    await start(made)
    blocked = (await made.finish()).blocked
    assert blocked
    assert blocked.reason is Reason.NO_SECRET_USED


async def test_keys_of_an_app_with_okta_scopes_need_a_super_admin(rig: Rig) -> None:
    """Okta's refusal is told with who can help, and nothing is added."""
    keyturn = await stand(rig, CredentialKind.CONNECTION_KEY)
    rig.org.change_admin_role(keyturn.app_id, "APP_ADMIN")
    app = rig.org.create_app(replace(DRAFTS[KIND], granted_scopes=("okta.users.read",)))
    made = Stand(rig, KIND, app.id, foreign=frozenset(key.id for key in app.keys))
    with pytest.raises(Refused, match="only a super administrator"):
        await made.create(connection_id=keyturn.connection_id)
    assert made.living() == []


async def test_consent_retires_the_key_used_before(rig: Rig) -> None:
    """A key that its owner names goes as every old one goes: overlap, soak, delete."""
    made = await stand(rig, KIND)
    (theirs,) = made.foreign
    await made.create(retire_existing=rig.consent(theirs))
    keys = rig.org.apps[made.app_id].keys
    assert [key.status for key in keys] == ["ACTIVE", "ACTIVE"]
    assert (await made.finish()).phase is Phase.FINISHED
    assert theirs not in {key.id for key in rig.org.apps[made.app_id].keys}


async def test_key_is_adopted_by_its_entered_value(made: Stand) -> None:
    """A private key that an operator enters is proved by its thumbprint and by a probe."""
    rig, value, before = made.rig, await made.served(), made.additions()
    await delete_rotation(rig.world, rig.admin, made.rotation_id, delete_secrets=True, revoke=False)
    with pytest.raises(Refused, match="no ACTIVE client key"):
        await made.create(existing_value=Sensitive('{"kty": "oct"}'))
    await made.create(existing_value=value)
    assert await made.served() == value
    assert made.additions() == before


async def test_adopted_key_without_a_name_gets_the_one_of_oktas_list(made: Stand) -> None:
    """Readers can sign by it beside the next key: a signature has to name its key then."""
    rig, key = made.rig, json.loads((await made.served()).reveal())
    await delete_rotation(rig.world, rig.admin, made.rotation_id, delete_secrets=True, revoke=False)
    nameless = {name: value for name, value in key.items() if name != "kid"}
    await made.create(existing_value=Sensitive(json.dumps(nameless)))
    adopted = await made.served()
    assert json.loads(adopted.reveal()) == key
    await made.begin()
    assert len(made.living()) == 2
    assert await made.accepted(adopted)


async def test_log_is_not_asked_about_keys(rig: Rig) -> None:
    """The System Log does not name keys, so time alone opens the gate."""
    made = await stand(rig, KIND)
    await made.create(policy=PolicyChange(log=True))
    await made.finish()
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED
    assert not [c for c in rig.calls() if "logs" in c["route"] and c["status"] == 200][1:]


async def test_generated_credentials_are_the_private_keys(made: Stand) -> None:
    """Both slots are shown in clear to whoever may see them."""
    await made.begin()
    shown = await read_generated_credentials(made.rig.world, made.rig.admin, made.rotation_id)
    ids = {one.secret_id for one in shown.credentials}
    assert ids == {one.id for one in made.living()}
