"""Grants that need nobody: what each begins with, and what is made of it."""

import pytest
from connections_kit import (
    authorized,
    minted,
    registered,
    registration,
    servers,
    stored,
    unauthorized,
)
from rig import Rig

from keyturn.domain.errors import InvalidInput, NotFound, NotReady
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import authorize_request, create_connection

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


async def exchanging(rig: Rig, source: Connection) -> Connection:
    """Create a connection whose tokens are exchanged for those of another."""
    seen = await registered(rig)
    draft = ConnectionDraft("exchanged", seen.id, GrantType.EXCHANGE, (), source=source.id)
    return (await create_connection(rig.world, rig.admin, draft)).connection


async def test_c14_a_token_is_exchanged_by_rfc8693_2_1(rig: Rig) -> None:
    """The other connection's token, fresh at that moment, is what is exchanged (2.1)."""
    one = await exchanging(rig, await authorized(rig))
    assert one.state is State.READY
    rig.clock.advance(300)
    assert await authorize_request(rig.world, rig.admin, one.id)
    assert servers(rig).count(RequestType.EXCHANGE, 200) == 2
    assert servers(rig).count(RequestType.REFRESH, 200) == 1


async def test_c14_what_is_no_access_token_by_rfc8693_2_2_1(rig: Rig) -> None:
    """The type of what was issued is looked at (2.2.1)."""
    source = await authorized(rig)
    servers(rig).issued_type = ID_TOKEN
    one = await exchanging(rig, source)
    assert one.tokens is None
    with pytest.raises(NotReady):
        await authorize_request(rig.world, rig.admin, one.id)


async def test_rfc8693_a_source_that_has_no_token_is_told(rig: Rig) -> None:
    """While nobody has authorized the source there is nothing to exchange, and nobody is asked."""
    one = await exchanging(rig, await unauthorized(rig))
    assert (await stored(rig, one)).state is State.TROUBLED
    assert servers(rig).count(RequestType.EXCHANGE) == 0


async def test_rfc7523_an_assertion_brings_tokens(rig: Rig) -> None:
    """What was given once is sent each time (2.1), and never shown."""
    given = {"assertion": Sensitive("canary-assertion")}
    one = await minted(rig, grant_type=GrantType.JWT_BEARER, given=given)
    assert one.state is State.READY
    assert b"canary" not in (one.sealed_input or b"")
    rig.clock.advance(300)
    assert await authorize_request(rig.world, rig.admin, one.id)
    assert servers(rig).count(RequestType.JWT_BEARER, 200) == 2


@pytest.mark.parametrize(
    ("grant_type", "given", "field"),
    [
        (GrantType.JWT_BEARER, {}, "assertion"),
        (GrantType.PASSWORD, {"username": Sensitive("u")}, "password"),
        (GrantType.REFRESH, {"refresh_token": Sensitive("")}, "refresh_token"),
        (GrantType.CLIENT_CREDENTIALS, {"assertion": Sensitive("a")}, "assertion"),
        (GrantType.NONE, {}, "grantType"),
        (GrantType.DEVICE, {}, "grantType"),
    ],
)
async def test_a_grant_that_cannot_begin(
    rig: Rig, grant_type: GrantType, given: dict[str, Sensitive], field: str
) -> None:
    """What is missing, too much or impossible is named, and nothing is stored."""
    await minted(rig)
    draft = ConnectionDraft("x", (await registered(rig)).id, grant_type, (), given=given)
    with pytest.raises(InvalidInput, match=field):
        await create_connection(rig.world, rig.admin, draft)
    async with rig.world.store.reading() as tx:
        assert [each.name for each in await tx.list(Connection)] == ["robot"]


CUSTOM = "https://example.okta.com/oauth2/default/v1/token"


@pytest.mark.parametrize(
    ("provider", "connector", "fits"),
    [
        (None, "okta", False),
        (None, "okta-devices", False),
        ({"auth": "client_secret_post"}, "okta", False),
        ({"auth": "private_key_jwt"}, "okta", True),
        ({"authOn": {"client_credentials": "private_key_jwt"}}, "okta", True),
        ({"endpoints": {"token": CUSTOM}}, "okta", True),
        ({"endpoints": {"token": "https://id.example/oauth2/v1/token"}}, "api", True),
    ],
)
async def test_an_orgs_own_server_gives_nothing_for_a_secret_alone(
    rig: Rig, provider: dict[str, object] | None, connector: str, *, fits: bool
) -> None:
    """Okta answers ``invalid_client`` there, and the secret would be blamed for it."""
    domain = "" if connector == "api" else "example.okta.com"
    await registration(rig, connector=connector, domain=domain, provider=provider)
    if fits:
        assert (await minted(rig)).grant_type is GrantType.CLIENT_CREDENTIALS
        return
    with pytest.raises(InvalidInput, match=r"grantType: .*auth private_key_jwt, or .*custom"):
        await minted(rig)
    assert servers(rig).count(RequestType.CLIENT_CREDENTIALS) == 0
    assert await unauthorized(rig)  # what somebody consents to is no matter of that


@pytest.mark.parametrize("scope", ["a b", 'a"b', "a\\b", "é", "a\n"])
async def test_a_scope_that_is_none(rig: Rig, scope: str) -> None:
    """Scopes are what RFC 6749, 3.3 calls scope tokens; a line's end is cut off."""
    await minted(rig)
    seen = await registered(rig)
    draft = ConnectionDraft("x", seen.id, GrantType.CLIENT_CREDENTIALS, (scope,))
    if scope.strip() == "a":
        assert (await create_connection(rig.world, rig.admin, draft)).connection.scopes == ("a",)
        return
    with pytest.raises(InvalidInput, match="scopes"):
        await create_connection(rig.world, rig.admin, draft)


async def test_a_source_that_is_not_there_is_not_told_from_one_that_nobody_may_see(
    rig: Rig,
) -> None:
    """Whoever names a source has to be let use it; there is none, for whoever may not."""
    await authorized(rig)
    draft = ConnectionDraft(
        "x", (await registered(rig)).id, GrantType.EXCHANGE, (), source="nobody"
    )
    with pytest.raises(NotFound, match="no connection nobody"):
        await create_connection(rig.world, rig.admin, draft)
