"""People log in with Okta: once a question, by their own browser, with what their groups give."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from okta_login_kit import CALLBACK, FROM, PASSWORD, Desk

from keyturn.domain.errors import Busy, Refused, Unauthenticated
from keyturn.domain.identity import AccessToken, AuthMethod, Identity
from keyturn.domain.oauth.authorization import DENIED
from keyturn.domain.oauth.ladder import NATURAL
from keyturn.domain.oauth.registration import ClientRegistration, Standing, rejected
from keyturn.domain.okta_login import (
    ELSEWHERE,
    LogInRequest,
    OktaPerson,
    parse_registration,
)
from keyturn.domain.person import Password
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.identity_changes import delete_identity, read_identity
from keyturn.services.logins import authenticate
from keyturn.services.okta_logins import begin_log_in, logs_in_so, offered, origin
from keyturn.services.people import create_person

ADA = "ada@example.com"


async def identities(desk: Desk) -> list[str]:
    """Return the names of the people there are."""
    async with desk.world.store.reading() as tx:
        return [each.name for each in await tx.list(Identity) if each.person]


async def test_somebody_logs_in_with_okta(desk: Desk) -> None:
    """The token proves a person of their own, who holds what their groups give."""
    entered = await desk.log_in(desk.person(ADA, "Admins", "Shop", "Friends"))
    assert (entered.after, entered.again) == ("/rotations", False)
    caller = await authenticate(desk.world, entered.logged_in.access_token)
    assert (caller.id, caller.name) == (entered.identity.id, ADA)
    assert await desk.roles(entered.identity) == {
        ("admin", False, "Admins"),
        ("developer", True, "Shop"),
        ("auditor", False, "Shop"),
    }
    assert (entered.logged_in.expires_in_s, entered.logged_in.max_ttl_s) == (43_200, 86_400)
    seen = await read_identity(desk.world, desk.rig.admin, caller.id)
    assert (seen.identity.person, seen.methods) == (True, [AuthMethod.OIDC_PERSON])
    assert await logs_in_so(desk.world, caller)
    assert not await logs_in_so(desk.world, desk.rig.admin)


async def test_a_log_in_is_on_record(desk: Desk) -> None:
    """Who it was, from where, and what their groups gave; nothing that Okta sent is in it."""
    entered = await desk.log_in(desk.person(ADA, "Admins"))
    subject = f"person {ADA} from {FROM}"
    assert await desk.record() == [(entered.identity.id, subject, True, "admin by Admins")]
    async with desk.world.store.reading() as tx:
        told = str([*await tx.list_audit(), *await tx.list(OktaPerson), *await tx.list(Identity)])
        assert await tx.list(LogInRequest) == []
    assert "eyJ" not in told
    assert PASSWORD not in told


async def test_what_is_asked_is_complete(desk: Desk) -> None:
    """A code by query, state, nonce, S256 and the groups (RFC 9700, 2.1.1); nothing secret."""
    begun = await desk.begin()
    parts = urlsplit(begun.address.reveal())
    asked = dict(parse_qsl(parts.query))
    assert f"{parts.scheme}://{parts.netloc}" == origin(desk.world)
    assert asked.items() >= {
        ("response_type", "code"),
        ("response_mode", "query"),
        ("client_id", desk.app.client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email groups"),
        ("code_challenge_method", "S256"),
    }
    assert len({asked[name] for name in ("state", "nonce", "code_challenge")}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert not {"prompt", "max_age", "client_secret", "code_verifier"} & asked.keys()
    assert begun.binding.reveal() not in begun.address.reveal()


# --- the answer of a browser ----------------------------------------------------------------------


async def test_an_answer_counts_once(desk: Desk) -> None:
    """The same callback again is refused, in the same browser too (RFC 9700, 4.7)."""
    begun = await desk.begin()
    told = await desk.visit(begun, desk.person(ADA, "Admins"))
    await desk.complete(begun, told)
    with pytest.raises(Refused) as refused:
        await desk.complete(begun, told)
    assert refused.value.message == ELSEWHERE
    assert (await desk.record())[-1] == (
        "nobody",
        f"person at Okta from {FROM}",
        False,
        ELSEWHERE,
    )


async def test_an_answer_counts_from_its_own_browser_alone(desk: Desk) -> None:
    """Who is led to somebody else's answer is not logged in by it, and spoils nothing."""
    mine, others = await desk.begin(), await desk.begin()
    told = await desk.visit(mine, desk.person(ADA, "Admins"))
    for binding in (others.binding, Sensitive("guessed"), Sensitive("")):
        with pytest.raises(Refused, match="not begun in this browser"):
            await desk.complete(replace(mine, binding=binding), told)
    assert (await desk.complete(mine, told)).identity.name == ADA


async def test_an_answer_that_comes_too_late(desk: Desk) -> None:
    """Ten minutes after the beginning nothing counts any more, and it is forgotten."""
    begun = await desk.begin()
    told = await desk.visit(begun, desk.person(ADA, "Admins"))
    desk.rig.clock.advance(600)
    with pytest.raises(Refused) as refused:
        await desk.complete(begun, told)
    assert refused.value.message == ELSEWHERE
    await desk.begin()
    desk.rig.clock.advance(600)
    await desk.begin()
    async with desk.world.store.reading() as tx:
        assert len(await tx.list(LogInRequest)) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "another"}, ELSEWHERE),
        ({"state": ""}, ELSEWHERE),
        ({"iss": "https://evil.example.com"}, "another authorization server"),
        ({"error": "access_denied"}, DENIED),
        ({"error": "<script>canary</script>"}, "an error that is not known"),
        ({"code": ""}, "neither a code nor an error"),
        ({"code": "guessed"}, "Okta did not let you in"),
    ],
)
async def test_an_answer_that_does_not_count(desk: Desk, changes: dict[str, str], why: str) -> None:
    """Nobody comes in by another state, server or code, and no word of it is repeated."""
    begun = await desk.begin()
    told = await desk.visit(begun, desk.person(ADA, "Admins"))
    with pytest.raises(Refused, match=why) as refused:
        await desk.complete(begun, {**told, **changes})
    assert "canary" not in refused.value.message
    assert await identities(desk) == []
    assert [allowed for _, _, allowed, _ in await desk.record()] == [False]


async def test_a_code_of_another_log_in(desk: Desk) -> None:
    """A code that was put into somebody's answer has another challenge (RFC 9700, 4.5)."""
    ada = desk.person(ADA, "Admins")
    mine, others = await desk.begin(), await desk.begin()
    told = {**await desk.visit(mine, ada), "code": (await desk.visit(others, ada))["code"]}
    with pytest.raises(Refused, match="Okta did not let you in"):
        await desk.complete(mine, told)


async def test_strangers_cannot_begin_without_end(desk: Desk) -> None:
    """Ten in a second, and then who comes is told to come again; a moment later it goes on."""
    for _ in range(10):
        await desk.begin()
    with pytest.raises(Busy) as busy:
        await desk.begin()
    desk.rig.clock.advance(busy.value.retry_after_s)
    await desk.begin()


# --- who somebody is ------------------------------------------------------------------------------


async def test_somebody_stays_the_same(desk: Desk) -> None:
    """By issuer and subject: who comes again is who was here, whatever they are called by then."""
    ada = desk.person(ADA, "Admins")
    first = (await desk.log_in(ada)).identity
    desk.way.forge_claims(preferred_username="lovelace@example.com", email="l@example.com")
    assert (await desk.log_in(ada)).identity == first
    assert await identities(desk) == [ADA]


async def test_an_address_is_nobody(desk: Desk) -> None:
    """Who has another's address at Okta, or that of a person with a password, is neither."""
    created = await create_person(
        desk.world, desk.rig.admin, ADA, Sensitive("correct horse battery"), role="admin"
    )
    ada = desk.person("somebody@example.com", "Shop")
    desk.way.forge_claims(preferred_username=ADA, email=ADA)
    identity = (await desk.log_in(ada)).identity
    assert identity.id != created.identity.id
    assert await identities(desk) == [ADA, ADA]
    assert await desk.roles(created.identity) == {("admin", False, None)}
    async with desk.world.store.reading() as tx:
        assert await tx.find(Password, email=ADA)
        assert not await tx.find(Password, identity_id=identity.id)
        assert not await tx.find(OktaPerson, identity_id=created.identity.id)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"preferred_username": None}, "mail@example.com"),
        ({"preferred_username": "\x1b[2J"}, "mail@example.com"),
        ({"preferred_username": None, "email": None}, "00u1"),
    ],
)
async def test_what_somebody_is_called(desk: Desk, changes: dict[str, object], name: str) -> None:
    """By the login, else by the address, else by the subject; nothing moves a terminal's cursor."""
    desk.way.forge_claims(**{"email": "mail@example.com", "sub": "00u1"} | changes)
    assert (await desk.log_in(desk.person(ADA, "Admins"))).identity.name == name


async def test_who_was_deleted_comes_anew(desk: Desk) -> None:
    """Whoever is to stay out leaves the group at Okta; here nothing of them is left."""
    ada = desk.person(ADA, "Admins")
    first = await desk.log_in(ada)
    await desk.begin(await authenticate(desk.world, first.logged_in.access_token))
    await delete_identity(desk.world, desk.rig.admin, first.identity.id)
    with pytest.raises(Unauthenticated):
        await authenticate(desk.world, first.logged_in.access_token)
    assert (await desk.log_in(ada)).identity.id != first.identity.id


# --- which client asks ----------------------------------------------------------------------------


async def registered(desk: Desk) -> ClientRegistration:
    """Return the registration by which people log in."""
    async with desk.world.store.reading() as tx:
        (found,) = await tx.list(ClientRegistration)
    return found


async def put(desk: Desk, registration: ClientRegistration) -> None:
    """Have the registration be like this."""
    async with desk.world.store.writing() as tx:
        await tx.replace(registration)


EVIL = "https://evil.example.com"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": EVIL},
        {"endpoints": {"jwks": f"{EVIL}/keys"}},
        {"endpoints": {"token": f"{EVIL}/token"}},
        {"endpoints": {"jwks": ""}},
        {"pkce": False},
    ],
)
async def test_a_registration_that_leads_elsewhere(desk: Desk, change: dict[str, Any]) -> None:
    """Who may change the registration cannot have their own tokens believed, nor PKCE left out."""
    begun = await desk.begin()
    told = await desk.visit(begun, desk.person(ADA, "Admins"))
    before = await registered(desk)
    document = json.loads(before.provider)
    ends = {**document["endpoints"], **change.get("endpoints", {})}
    kept = {name: url for name, url in ends.items() if url}
    await put(desk, replace(before, provider=json.dumps({**document, **change, "endpoints": kept})))
    for tried in (desk.begin(), desk.complete(begun, told)):
        with pytest.raises(Refused, match="leads elsewhere"):
            await tried


@pytest.mark.parametrize("name", ["example/dev/:other", "example/x/:okta-login", "x/dev/:y"])
async def test_a_registration_that_is_not_there(desk: Desk, name: str) -> None:
    """Is named, for whoever operates the server."""
    desk.rules(registration=parse_registration(name))
    with pytest.raises(Refused, match=f"There is no client registration {name}"):
        await desk.begin()


async def test_where_nobody_has_set_it_up(desk: Desk) -> None:
    """Nothing is offered, and nobody comes in; nor where browsers would not find back."""
    with pytest.raises(Refused, match="KEYTURN_PUBLIC_URL"):
        await begin_log_in(desk.world, redirect_uri="")
    begun = await desk.begin()
    told = await desk.visit(begun, desk.person(ADA, "Admins"))
    assert offered(desk.world)
    limits = replace(desk.world.limits, okta_log_in=None)
    desk.rig.world = replace(desk.world, limits=limits)
    assert not offered(desk.world)
    for tried in (desk.begin(), desk.complete(begun, told)):
        with pytest.raises(Refused, match="has not set it up"):
            await tried


async def test_a_log_in_proves_the_secret(desk: Desk) -> None:
    """What is known of the registration's secret is what Okta answered last."""
    before = await registered(desk)
    await put(desk, rejected(before, 1, desk.rig.clock.now(), "no", "test"))
    await desk.log_in(desk.person(ADA, "Admins"))
    after = await registered(desk)
    assert (after.standing, after.tested_by) == (Standing.ACCEPTED, NATURAL)


async def test_another_client_of_the_org(desk: Desk) -> None:
    """An ID token that was made for another app of the same org is none for us."""
    other = desk.org.create_app(AppDraft("Other", redirect_uris=(CALLBACK,)))
    desk.way.forge_claims(aud=other.client_id)
    with pytest.raises(Refused, match="its aud does not fit"):
        await desk.log_in(desk.person(ADA, "Admins"))


async def test_log_ins_that_are_over_are_removed(desk: Desk) -> None:
    """Tokens of somebody that nobody can use any more go with the next log-in."""
    ada = desk.person(ADA, "Admins")
    await desk.log_in(ada)
    desk.rig.clock.advance(43_200)
    entered = await desk.log_in(ada)
    async with desk.world.store.reading() as tx:
        assert len(await tx.list(AccessToken, identity_id=entered.identity.id)) == 1
