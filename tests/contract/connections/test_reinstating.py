"""A retirement is taken back where a client's server rejects what is served since."""

import pytest
from connections_kit import authorized, registered, registration, servers
from rig import Rig

from keyturn.domain.errors import NotReady
from keyturn.domain.oauth.registration import Standing
from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.services.registrations import Credential
from keyturn.services.renewing import fresh
from keyturn.services.rotations import view
from keyturn.services.turns import rotate


def accepting(rig: Rig, *status: str) -> None:
    """Have the authorization server accept the app's secrets of such a status."""
    values = {s.value for s in rig.org.read_app(rig.app_id).live_secrets if s.status in status}
    servers(rig).secrets[rig.org.read_app(rig.app_id).client_id] = values


async def test_a_client_in_trouble_brings_the_old_secret_back(rig: Rig) -> None:
    """After the retirement the new secret is rejected somewhere: the old one is ACTIVE again."""
    rotation = (await rig.rotation()).rotation
    old = secret_hash(Sensitive(rig.org.read_app(rig.app_id).live_secrets[0].value))
    accepting(rig, "ACTIVE")
    await registration(rig, credential=Credential(rotation=rotation.name))
    one = await authorized(rig)
    await rotate(rig.world, rig.admin, rotation.id)
    accepting(rig, "ACTIVE")
    for _ in range(20):
        await rig.live(60)
        turn = (await view(rig.world, rotation.id)).turn
        assert turn
        if turn.phase is Phase.SOAKING:
            break
    assert {s["status"] for s in rig.living() if s["hash"] == old} == {"INACTIVE"}
    accepting(rig, "INACTIVE")  # this server knows the old one alone, for whatever reason
    rig.clock.advance(300)
    with pytest.raises(NotReady):
        await fresh(rig.world, one.id)
    assert (await registered(rig)).standing is Standing.REJECTED
    await rig.live(120)
    turn = (await view(rig.world, rotation.id)).turn
    assert turn
    assert turn.reinstated == 1
    assert {s["status"] for s in rig.living()} == {"ACTIVE"}
