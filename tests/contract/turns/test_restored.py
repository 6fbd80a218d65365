"""On a new machine a backup goes on where the old one was: it reads, and it turns."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from rig import ORG_URL, PLACE, START, Rig

from keyturn.adapters.crypto import Opener
from keyturn.bootstrap.keeping import back_up, restore, rotate_root_key
from keyturn.bootstrap.opening import Outside, initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.connection import ApiToken
from keyturn.domain.identity import Identity
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.sandbox import Org, build_app
from keyturn.services.audit import verify_audit
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.ports import World
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate
from keyturn.settings import Settings
from keyturn.testing import ManualClock

WORDS = Opener("passphrase", Sensitive("correct horse battery staple"))
NAME = "OKTA_CLIENT_SECRET"


async def rig_of(world: World, org: Org, clock: ManualClock) -> Rig:
    """Act as the administrator."""
    async with world.store.reading() as tx:
        identity = await tx.find(Identity, name="administrator")
    assert identity
    admin = Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
    rig: Any = Rig(world, org, clock, admin, None, org.seeded.web_app_id)  # type: ignore[arg-type]
    return rig


@pytest.mark.slow
async def test_a_new_machine_reads_and_turns(tmp_path: Path) -> None:
    """From file and passphrase alone, in the middle of a turn and with a new root key after it."""
    clock = ManualClock(START)
    org = Org(1, clock.now)
    outside = Outside(clock, okta_transport=lambda: httpx2.ASGITransport(build_app(org)))
    old, new = (Settings(data_dir=tmp_path / name / "data") for name in ("old", "new"))
    await initialise(old, outside)
    async with opened(old, outside) as world:
        rig = await rig_of(world, org, clock)
        token = ApiToken(Sensitive(org.seeded.api_token))
        draft = OktaConnectionDraft("okta", None, None, ORG_URL, token)
        rig.connection = await create_okta_connection(world, rig.admin, draft)
        rotation = (await rig.rotation()).rotation.id
        await rotate(world, rig.admin, rotation)
        served = await read_secret(world, rig.admin, PLACE, NAME)
    await back_up(old, tmp_path / "it.backup", WORDS, outside)
    await restore(new, tmp_path / "it.backup", WORDS, outside)
    await rotate_root_key(new, outside, plan=False, forget_old=True)
    async with opened(new, outside) as world:
        rig = await rig_of(world, org, clock)
        assert (await verify_audit(world, rig.admin)).problem is None
        assert (await read_secret(world, rig.admin, PLACE, NAME)).value == served.value
        assert (await rig.run(rotation)).phase is Phase.FINISHED
        await rotate(world, rig.admin, rotation)
        assert (await rig.run(rotation)).phase is Phase.FINISHED
        turned = (await read_secret(world, rig.admin, PLACE, NAME)).value
        assert turned != served.value
        assert await rig.authenticate(turned.reveal()) != await rig.authenticate("junk")
        assert [each["hash"] for each in rig.living()] == [await rig.served_hash()]
