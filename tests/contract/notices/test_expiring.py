"""What ends before long, of every kind, is told twice: two weeks and two days before its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from connections_kit import CLIENT, DOCUMENT, registered, registration, servers
from cryptography.hazmat.primitives.asymmetric import ec
from echo_kit import shown
from inventory_kit import begin
from rig import START, Rig
from town_kit import Town, town

from keyturn.adapters.runner import EmbeddedRunner
from keyturn.domain.identity import AccessToken, AuthMethod, Identity, TokenRules
from keyturn.domain.ids import IdentityId
from keyturn.domain.inventory import Inventory
from keyturn.domain.notice import Kind
from keyturn.domain.notice_words import title_of
from keyturn.domain.sensitive import Sensitive
from keyturn.services.channels import ChannelChange, update_channel
from keyturn.services.credentials import Credential
from keyturn.services.expiry_news import tell_expiring
from keyturn.services.identities import new_access_token
from keyturn.services.registrations import RegistrationChange, update_registration
from keyturn.services.token_auth import create_token
from keyturn.services.universal_auth import (
    Rules,
    configure_universal_auth,
    create_client_secret,
    revoke_client_secret,
)

DAY_S = 86_400
MONTH_S = 30 * DAY_S
END = START + timedelta(seconds=MONTH_S)
TLS = DOCUMENT | {"auth": "tls_client_auth"}

Made = Callable[[Rig], Awaitable[str]]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Town]:
    """Set up an installation with channels that hear of what expires, and nothing that does."""
    async with town(tmp_path, kinds=(Kind.ACCESS_EXPIRES.value,)) as made:
        await use_token(made.rig, 365)
        yield made


async def use_token(rig: Rig, day: int) -> None:
    """Have the connection's API token used last on a day from the start."""
    used = replace(rig.connection, reconciled_at=START + timedelta(days=day))
    async with rig.world.store.writing() as tx:
        await tx.replace(used)


async def machine(rig: Rig) -> Identity:
    """Return the identity of a new installation, which may log in by client secrets."""
    async with rig.world.store.reading() as tx:
        one = (await tx.list(Identity))[0]
    await configure_universal_auth(rig.world, rig.admin, one.id, Rules())
    return one


async def by_hand(rig: Rig, **rules: int) -> AccessToken:
    """Make a token by hand."""
    one = await machine(rig)
    made, _ = await create_token(rig.world, rig.admin, one.id, "ci", TokenRules(**rules))
    return made


async def secret(rig: Rig) -> str:
    """Make a client secret that lasts 30 days."""
    one = await machine(rig)
    about = {"description": "of the pipeline", "ttl_s": MONTH_S}
    await create_client_secret(rig.world, rig.admin, one.id, **about)  # type: ignore[arg-type]
    return f"A client secret of {one.name}"


async def token(rig: Rig) -> str:
    """Make a token by hand that lasts 30 days."""
    await by_hand(rig)
    return "Token ci of administrator"


async def own_token(rig: Rig) -> str:
    """Make a token for a person."""
    one = replace(await machine(rig), id=IdentityId("person-1"), name="Ada", person=True)
    async with rig.world.store.writing() as tx:
        await tx.add(one)
    await create_token(rig.world, rig.admin, one.id, "laptop", TokenRules())
    return "Token laptop of Ada"


def pem(days: int) -> Sensitive:
    """Return a certificate and its key that last so many days from the start."""
    key, until = ec.generate_private_key(ec.SECP256R1()), START + timedelta(days=days)
    return Sensitive(shown(key, since=START - timedelta(days=1), until=until))


async def certificate(rig: Rig, days: int = 30) -> str:
    """Register a client that shows a certificate which lasts 30 days."""
    shows = pem(days)
    servers(rig).secrets[CLIENT] = {shows.reveal()}
    await registration(rig, provider=TLS, credential=Credential(CLIENT, shows))
    return "The certificate of client crm"


async def unused(rig: Rig) -> str:
    """Leave an API token unused from the start: Okta forgets it after 30 days."""
    await use_token(rig, 0)
    return f"The API token of {rig.connection.name}"


async def passed(rig: Rig, days: float) -> int:
    """Let days pass, have it looked what expires, and have the notices brought."""
    rig.clock.advance(days * DAY_S)
    told = await tell_expiring(rig.world)
    for _ in range(2):
        await rig.tick()
    return told


@pytest.mark.parametrize("make", [secret, token, own_token, certificate, unused])
async def test_it_is_told_two_weeks_and_two_days_before(it: Town, make: Made) -> None:
    """Each time once, by mail and to a program, with its end, and nothing of it that is secret."""
    subject = await make(it.rig)
    looks = [await passed(it.rig, days) for days in (15.9, 0.2, 1, 10.8, 0.2, 1, 1)]
    assert looks == [0, 1, 0, 0, 1, 0, 0]
    found = [each for each in await it.notices() if each.kind is Kind.ACCESS_EXPIRES]
    assert {title_of(each) for each in found} == {f"{subject} expires at {END:%Y-%m-%d %H:%M} UTC"}
    assert len([each for each in it.letters() if subject in each]) == 2
    hooks = [each for each in it.hooks() if each["type"] == "access.expires"]
    assert [each["data"]["comesAt"] for each in hooks] == [f"{END:%Y-%m-%dT%H:%M:%SZ}"] * 2
    assert "PRIVATE KEY" not in it.everything()


async def test_a_token_that_is_renewed_in_time_is_not_told_of(it: Town) -> None:
    """Who renews it every other week hears nothing, before its longest life ends."""
    made = await by_hand(it.rig, ttl_s=MONTH_S, max_ttl_s=12 * MONTH_S)
    for _ in range(5):
        assert await passed(it.rig, 14) == 0
        async with it.rig.world.store.writing() as tx:
            made = made.renewed(it.rig.clock.now())
            await tx.replace(made)


async def test_the_end_of_renewing_is_told(it: Town) -> None:
    """A token of an hour, renewed all the time, is told of when it cannot be renewed any more."""
    made = await by_hand(it.rig, ttl_s=3600, max_ttl_s=MONTH_S)
    told = []
    for _ in range(29):
        it.rig.clock.advance(DAY_S)
        async with it.rig.world.store.writing() as tx:
            made = made.renewed(it.rig.clock.now())
            await tx.replace(made)
        told.append(await tell_expiring(it.rig.world))
    assert [day for day, count in enumerate(told, 1) if count] == [16, 28]


async def test_what_is_over_or_comes_by_logging_in_is_not_told_of(it: Town) -> None:
    """Neither a client secret that was revoked, nor a token that a log-in makes again."""
    one = await machine(it.rig)
    made, _ = await create_client_secret(it.rig.world, it.rig.admin, one.id, ttl_s=MONTH_S)
    await revoke_client_secret(it.rig.world, it.rig.admin, one.id, made.id)
    by_log_in, _ = new_access_token(it.rig.world, one.id, AuthMethod.UNIVERSAL, TokenRules())
    async with it.rig.world.store.writing() as tx:
        await tx.add(by_log_in)
    assert await passed(it.rig, 29) == 0


async def test_another_certificate_has_an_end_of_its_own(it: Town) -> None:
    """Who replaces it hears no more of the first, and of the second when its time comes."""
    await certificate(it.rig)
    assert await passed(it.rig, 17) == 1
    one, later = await registered(it.rig), pem(100)
    servers(it.rig).secrets[CLIENT] = {later.reveal()}
    change = RegistrationChange(credential=Credential(CLIENT, later))
    await update_registration(it.rig.world, it.rig.admin, one.id, change)
    assert await passed(it.rig, 12) == 0
    assert await passed(it.rig, 58) == 1


async def test_an_inventory_uses_an_api_token_too(it: Town) -> None:
    """What it reads keeps the token alive, so that nothing is told."""
    await unused(it.rig)
    await begin(it.rig)
    it.rig.clock.advance(20 * DAY_S)
    async with it.rig.world.store.writing() as tx:
        [one] = await tx.list(Inventory)
        await tx.replace(replace(one, log_read_at=it.rig.clock.now()))
    assert await tell_expiring(it.rig.world) == 0


async def test_workers_that_look_at_once_tell_it_once(it: Town) -> None:
    """Each looks again where it writes."""
    await token(it.rig)
    it.rig.clock.advance(17 * DAY_S)
    assert sum(await asyncio.gather(*(tell_expiring(it.rig.world) for _ in range(3)))) == 1


async def test_nothing_is_told_where_nobody_hears(it: Town) -> None:
    """Who is told later, by a channel that speaks again, is told then."""
    await token(it.rig)
    for name in ("mail", "slack", "teams", "hook"):
        await update_channel(it.rig.world, it.rig.admin, name, ChannelChange(paused=True))
    assert await passed(it.rig, 17) == 0
    await update_channel(it.rig.world, it.rig.admin, "hook", ChannelChange(paused=False))
    assert await passed(it.rig, 0) == 1


async def test_a_running_worker_looks_by_itself(it: Town) -> None:
    """What expires is told without anybody asking."""
    await token(it.rig)
    it.rig.clock.advance(17 * DAY_S)
    async with EmbeddedRunner(it.rig.world, tick_s=3600, concurrency=1):
        while not await it.notices():
            await asyncio.sleep(0)
