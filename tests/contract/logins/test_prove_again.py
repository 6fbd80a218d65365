"""Somebody who is logged in proves once more, by their password, that it is them."""

from dataclasses import replace

import pytest
from rig import Rig

from keyturn.adapters.crypto import Argon2Passwords
from keyturn.domain.access import Caller
from keyturn.domain.errors import Refused, Unauthenticated
from keyturn.domain.identity import AccessToken
from keyturn.domain.sensitive import Sensitive
from keyturn.services.logins import authenticate
from keyturn.services.people import create_person, log_in_person, prove_again

ADA, BOB = "ada@example.com", "bob@example.com"
GOOD, OTHER = Sensitive("correct horse battery"), Sensitive("another horse battery")


@pytest.fixture
async def ada(rig: Rig) -> Caller:
    """Log somebody in by a password; there is somebody else with another."""
    rig.world = replace(rig.world, passwords=Argon2Passwords(rig.world.chance.random_bytes))
    await create_person(rig.world, rig.admin, ADA, GOOD)
    await create_person(rig.world, rig.admin, BOB, OTHER)
    logged_in = await log_in_person(rig.world, ADA, GOOD)
    return await authenticate(rig.world, logged_in.access_token)


async def record(rig: Rig) -> list[tuple[str, str, bool]]:
    """Return what is on record of proofs."""
    async with rig.world.store.reading() as tx:
        entries = [each.attempt for each in await tx.list_audit()]
    return [(e.actor, e.subject, e.allowed) for e in entries if e.verb == "prove again"]


async def test_the_password_proves_it(rig: Rig, ada: Caller) -> None:
    """That is on record, and nothing comes of it by itself."""
    await prove_again(rig.world, ada, GOOD)
    assert await record(rig) == [(ada.id, ADA, True)]
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(AccessToken, identity_id=ada.id)) == 1


async def test_nothing_else_proves_it(rig: Rig, ada: Caller) -> None:
    """Neither a guess nor the password of somebody else."""
    for guess in (Sensitive(""), Sensitive("canary"), OTHER):
        with pytest.raises(Refused) as refused:
            await prove_again(rig.world, ada, guess)
        assert "canary" not in refused.value.message
    assert await record(rig) == [(ada.id, ADA, False)] * 3


async def test_guesses_are_counted(rig: Rig, ada: Caller) -> None:
    """With those at the log-in: after five the right one proves nothing for five minutes."""
    for _ in range(3):
        with pytest.raises(Refused):
            await prove_again(rig.world, ada, OTHER)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await log_in_person(rig.world, ADA, OTHER)
    with pytest.raises(Refused):
        await prove_again(rig.world, ada, GOOD)
    rig.clock.advance(300)
    await prove_again(rig.world, ada, GOOD)


async def test_who_has_no_password_proves_nothing(rig: Rig, ada: Caller) -> None:
    """A machine has none, whatever is entered."""
    for guess in (GOOD, Sensitive("")):
        with pytest.raises(Refused):
            await prove_again(rig.world, rig.admin, guess)
    assert await record(rig) == [(rig.admin.id, "", False)] * 2
