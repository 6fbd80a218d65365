"""Connections follow their client's secret: nobody consents again, and nothing fails meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest
from connections_kit import (
    AT,
    CLIENT,
    DOCUMENT,
    SECRET,
    authorized,
    registered,
    registration,
    servers,
)
from rig import PLACE, Rig

from keyturn.domain.errors import NotReady, Refused
from keyturn.domain.ids import SecretId
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.connection import State
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration, Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.services.oauth_connections import authorize_request, delete_connection
from keyturn.services.ports import Client, Members
from keyturn.services.registrations import (
    Credential,
    RegistrationChange,
    delete_registration,
    update_registration,
)
from keyturn.services.renewing import renew
from keyturn.services.secret_changes import (
    Edit,
    SecretChange,
    create_secret,
    delete_secrets,
    update_secret,
)
from keyturn.services.usage import usage_of_connection
from keyturn.testing import FakeServers

REFRESH = RequestType.REFRESH
NEXT = "canary-next-secret"
KEYED = {"in": "header", "name": "X-Key", "value": "${KEY}"}


async def of_stored_secret(rig: Rig) -> None:
    """Make the registration use a stored secret."""
    servers(rig).secrets[CLIENT] = {SECRET, NEXT}
    await create_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", Sensitive(SECRET))
    await registration(rig, credential=Credential(CLIENT, secret_name="CRM_SECRET"))


async def test_a_stored_secret_is_used_as_it_is_now(rig: Rig) -> None:
    """The next refresh after a change of the secret goes by the new one; the grant stays."""
    await of_stored_secret(rig)
    one = await authorized(rig)
    await update_secret(
        rig.world, rig.admin, PLACE, "CRM_SECRET", SecretChange(value=Sensitive(NEXT))
    )
    servers(rig).secrets[CLIENT] = {NEXT}
    rig.clock.advance(300)
    assert await authorize_request(rig.world, rig.admin, one.id)
    assert servers(rig).used_secrets[-1] == NEXT
    assert servers(rig).alive == 1


async def test_a_changed_secret_is_proved_at_once_without_a_grant(rig: Rig) -> None:
    """A worker asks with a worthless token whether the new one is accepted; nothing is spent."""
    await of_stored_secret(rig)
    await authorized(rig)
    before = servers(rig).count(REFRESH)
    change = SecretChange(value=Sensitive(NEXT))
    await update_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", change)
    await rig.tick()
    after = await registered(rig)
    assert (after.standing, after.proved_version) == (Standing.ACCEPTED, 2)
    assert servers(rig).count(REFRESH) == before


async def test_what_no_question_proves_is_proved_by_one_renewal(rig: Rig) -> None:
    """Where a server has nothing to ask harmlessly, one connection is renewed for all."""
    token = {"authorization": f"{AT}/authorize", "token": f"{AT}/token"}
    servers(rig).secrets[CLIENT] = {SECRET, NEXT}
    servers(rig).vague = True
    await create_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", Sensitive(SECRET))
    await registration(
        rig,
        credential=Credential(CLIENT, secret_name="CRM_SECRET"),
        provider={"endpoints": token},
    )
    await authorized(rig)
    change = SecretChange(value=Sensitive(NEXT))
    await update_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", change)
    await rig.tick()
    assert (await registered(rig)).proved_version == 2


async def test_a_secret_that_the_server_rejects_is_not_taken(rig: Rig) -> None:
    """An update is proved first; refused, the secret before is used on, and nothing changed."""
    one = await authorized(rig)
    before = await registered(rig)
    change = RegistrationChange(credential=Credential(CLIENT, Sensitive("canary-wrong")))
    with pytest.raises(Refused, match="rejects this secret") as refused:
        await update_registration(rig.world, rig.admin, before.id, change)
    assert "canary" not in str(refused.value)
    assert await registered(rig) == before
    rig.clock.advance(300)
    assert await authorize_request(rig.world, rig.admin, one.id)


async def test_an_own_secret_is_replaced_and_the_grants_stay(rig: Rig) -> None:
    """One row changes; every connection of the client goes on without anybody's consent."""
    every = [await authorized(rig, f"c{number}") for number in range(5)]
    servers(rig).secrets[CLIENT] = {NEXT}
    change = RegistrationChange(credential=Credential(CLIENT, Sensitive(NEXT)))
    seen = await update_registration(rig.world, rig.admin, (await registered(rig)).id, change)
    assert seen.registration.standing is Standing.ACCEPTED
    rig.clock.advance(300)
    for one in every:
        assert await authorize_request(rig.world, rig.admin, one.id)
    assert servers(rig).alive == 5


async def test_another_server_takes_the_secret_again(rig: Rig) -> None:
    """Nobody has a secret that is kept sent to an address of their own."""
    await registration(rig)
    change = RegistrationChange(provider={"endpoints": {"token": "https://evil.example/token"}})
    with pytest.raises(Exception, match="must be given again"):
        await update_registration(rig.world, rig.admin, (await registered(rig)).id, change)


async def test_failure_is_predicted(rig: Rig) -> None:
    """While tokens last, a rejected secret is a failure to come, with its moment (2.4, 9)."""
    one = await authorized(rig)
    servers(rig).secrets[CLIENT] = set()
    await asked_again(rig)
    (use,) = (await usage_of_connection(rig.world, rig.admin, one.id)).registrations[0].connections
    assert use.health.light is Light.AT_RISK
    assert one.tokens
    assert use.health.fails_at == one.tokens.expires_at
    assert "will fail at its next refresh" in use.health.reasons[0]


async def asked_again(rig: Rig) -> None:
    """Have the client's secret asked about."""
    seen = await registered(rig)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(seen, due_at=rig.clock.now()))
    await rig.tick()


async def test_c10_what_is_given_up_is_revoked_by_rfc7009_2_1(rig: Rig) -> None:
    """Each connection may have somebody's consent: they are given up one by one."""
    one = await authorized(rig)
    with pytest.raises(Refused, match="has connections"):
        await delete_registration(rig.world, rig.admin, (await registered(rig)).id)
    await delete_connection(rig.world, rig.admin, one.id)
    assert servers(rig).alive == 0  # revoked, refresh token first (RFC 7009)
    await delete_registration(rig.world, rig.admin, (await registered(rig)).id)


class Renewing(FakeServers):
    """A server at which a connection is renewed by another worker while it is given up."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.clock)
        self.begin: Callable[[], Awaitable[None]] | None = None
        self.given_up: list[str] = []

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Answer one request, once that other worker is done."""
        begin, self.begin = self.begin, None
        if request is RequestType.REVOKE:
            token = members["token"]
            assert isinstance(token, Sensitive)
            self.given_up.append(token.reveal())
            if begin:
                await begin()
        return await super().ask(client, request, members)


async def test_c10_what_was_renewed_while_it_was_given_up_is_revoked_too(rig: Rig) -> None:
    """What a renewal has stored in between is not left at the server."""
    there = replace(rig, world=replace(rig.world, servers=(server := Renewing(rig))))
    one = await authorized(there)
    rig.clock.advance(300)
    begin = partial(renew, there.world, one.id)
    server.begin = begin
    await delete_connection(there.world, there.admin, one.id)
    assert server.given_up == ["refresh-2", "access-3", "refresh-4", "access-5"]


async def test_a_secret_that_is_gone_is_told(rig: Rig) -> None:
    """A registration whose stored secret was deleted says so, and loses no grant."""
    await of_stored_secret(rig)
    one = await authorized(rig)
    await delete_secrets(rig.world, rig.admin, [Edit(PLACE, "CRM_SECRET")])
    rig.clock.advance(300)
    with pytest.raises(NotReady, match="gone"):
        await authorize_request(rig.world, rig.admin, one.id)
    async with rig.world.store.reading() as tx:
        found = await tx.find(type(one), id=one.id)
    assert found
    assert (found.state, found.cause) == (State.TROUBLED, None)


async def test_a_secret_that_refers_to_another_is_not_sent_as_written(rig: Rig) -> None:
    """No server sees ``${REAL}``; the error says which secret the registration is to be given."""
    await of_stored_secret(rig)
    one = await authorized(rig)
    change = SecretChange(value=Sensitive("${REAL}"))
    await update_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", change)
    rig.clock.advance(300)
    with pytest.raises(NotReady, match="give the registration that one"):
        await authorize_request(rig.world, rig.admin, one.id)
    assert "${REAL}" not in servers(rig).used_secrets


async def test_versions_of_two_secrets_do_not_compare(rig: Rig) -> None:
    """Led to another stored secret, nothing that was proved of the one before proves it."""
    await of_stored_secret(rig)
    for number in range(4):
        change = SecretChange(value=Sensitive(f"{SECRET}{number}"))
        servers(rig).secrets[CLIENT].add(f"{SECRET}{number}")
        await update_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", change)
        await rig.tick()
    assert (await registered(rig)).proved_version == 5
    await create_secret(rig.world, rig.admin, PLACE, "OTHER", Sensitive(NEXT))
    change_to = RegistrationChange(credential=Credential(CLIENT, secret_name="OTHER"))
    await update_registration(rig.world, rig.admin, (await registered(rig)).id, change_to)
    after = await registered(rig)
    assert (after.standing, after.tested, after.proved_version) == (Standing.ACCEPTED, 1, 1)


async def test_an_answer_to_another_secret_proves_nothing(rig: Rig) -> None:
    """A renewal that began by the secret before tells nothing of the one that is used by now."""
    await of_stored_secret(rig)
    one = await authorized(rig)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.05
    renewal = asyncio.create_task(renew(rig.world, one.id))
    await asyncio.sleep(0.02)
    seen = await registered(rig)
    async with rig.world.store.writing() as tx:
        other = SecretId("another")
        await tx.replace(replace(seen, secret_id=other, tested=0, proved_version=0))
    await renewal
    assert (await registered(rig)).proved_version == 0


@pytest.mark.parametrize(
    ("value", "told", "why"),
    [
        ("${REAL}", {}, "refers to another secret: give the registration that one"),
        (SECRET, {"provider": {**DOCUMENT, "extras": [KEYED]}}, "a secret KEY that is not there"),
    ],
)
async def test_a_reference_that_cannot_be_read_is_refused_at_once(
    rig: Rig, value: str, told: dict[str, object], why: str
) -> None:
    """The error says what is wrong with it, and nothing is stored that no request could use."""
    await create_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", Sensitive(value))
    with pytest.raises(Refused, match=why):
        await registration(rig, credential=Credential(CLIENT, secret_name="CRM_SECRET"), **told)
    async with rig.world.store.reading() as tx:
        assert await tx.list(ClientRegistration) == []
    assert not servers(rig).counted
