"""Whom a turn waits for before it retires the old secret, and who is in trouble without it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from org_kit import at_its_org, register
from rig import PLACE, Rig
from storage_kit import NOW, REGISTRATION

from keyturn.domain.access import VIEWER, Caller, Holding
from keyturn.domain.identity import Identity
from keyturn.domain.ids import IdentityId, RotationId
from keyturn.domain.oauth.consumers import Adoption
from keyturn.domain.oauth.registration import Standing
from keyturn.services.consumers import ConsumerDraft, create_consumer
from keyturn.services.credentials import Credential
from keyturn.services.dependents import list_registrations, list_troubled, list_unadopted
from keyturn.services.identity_changes import delete_identity
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate

EARLIER = NOW - timedelta(seconds=1)


@dataclass
class Reader:
    """An identity as which a consumer reads the secret of a registration."""

    rig: Rig
    rotation_id: RotationId
    registration_id: str
    caller: Caller

    async def consumes(self, adoption: Adoption) -> None:
        """Tell of the consumer, and how it takes a new secret up."""
        draft = ConsumerDraft("jenkins", adoption, identity=self.caller.id)
        await create_consumer(self.rig.world, self.rig.admin, self.registration_id, draft)

    async def reads(self, times: int) -> None:
        """Read the secret so often; each read after the first proves the one before it."""
        for _ in range(times):
            await read_secret(self.rig.world, self.caller, PLACE, "OKTA_CLIENT_SECRET")
            self.rig.clock.advance(61)

    async def waited_for(self) -> bool:
        """Say whether a turn waits for the consumer before it retires version 1."""
        async with self.rig.world.store.reading() as tx:
            registrations = await list_registrations(tx, self.rotation_id)
            return await list_unadopted(tx, registrations, 2) == ("consumer jenkins",)


@pytest.fixture
async def reader(rig: Rig) -> AsyncIterator[Reader]:
    """Give an identity that has read the secret of a registration, which is turned then."""
    async with at_its_org(rig):
        rotation = (await rig.rotation()).rotation
        registration_id = await register(rig, Credential(rotation=rotation.name))
        async with rig.world.store.writing() as tx:
            admin = await tx.find(Identity, name="administrator")
            assert admin
            made = replace(admin, id=IdentityId("jenkins"), name="jenkins")
            await tx.add(made)
        caller = Caller(made.id, made.name, made.organization_id, (Holding(VIEWER),))
        it = Reader(rig, rotation.id, registration_id, caller)
        await it.reads(2)
        yield it


@pytest.mark.parametrize(
    ("adoption", "reads", "waits"),
    [
        (Adoption.LIVE, 0, True),
        (Adoption.LIVE, 1, True),
        (Adoption.LIVE, 2, False),
        (Adoption.RELOAD, 2, True),
        (Adoption.RESTART, 2, True),
    ],
)
async def test_consumer_has_what_it_reads_on_each_use(
    reader: Reader, adoption: Adoption, reads: int, *, waits: bool
) -> None:
    """Once the new one has reached it for sure; who reads at a start only has to say so."""
    await reader.consumes(adoption)
    await rotate(reader.rig.world, reader.rig.admin, reader.rotation_id)
    await reader.reads(reads)
    assert await reader.waited_for() is waits


async def test_consumer_whose_identity_was_removed_reads_nothing_any_more(reader: Reader) -> None:
    """What it was given by then proves nothing of who uses the secret now."""
    await reader.consumes(Adoption.LIVE)
    await rotate(reader.rig.world, reader.rig.admin, reader.rotation_id)
    await reader.reads(2)
    await delete_identity(reader.rig.world, reader.rig.admin, reader.caller.id)
    assert await reader.waited_for()


@pytest.mark.parametrize(
    ("standing", "tested_at", "troubled"),
    [
        (Standing.REJECTED, NOW, True),
        (Standing.REJECTED, EARLIER, False),
        (Standing.REJECTED, None, False),
        (Standing.ACCEPTED, NOW, False),
        (Standing.UNPROVED, NOW, False),
    ],
)
def test_trouble_is_a_secret_that_was_rejected_since(
    standing: Standing, tested_at: datetime | None, *, troubled: bool
) -> None:
    """What had been rejected before the old one was retired does not bring that back."""
    one = replace(REGISTRATION, name="crm", standing=standing, tested_at=tested_at)
    assert list_troubled([one], NOW) == (("client registration crm",) if troubled else ())
