"""What authorization servers that nobody here wrote do: the truth that our adapter is held to."""

import string
from secrets import token_urlsafe

import anyio
import httpx2
import pytest
from authorization_kit import CALLBACK, MACHINE, Client, Server, basic, error, fingerprint
from browser_kit import PERSON, Browser, query

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # a server takes a second to start

RESERVED = 'a:b%2Bc+d/e f?g&h=i"j\\k'


async def test_a_code_is_redeemed_with_its_verifier(server: Server) -> None:
    """Consent ends at the callback with code, state and issuer, and the code in tokens."""
    client = await server.register()
    verifier = token_urlsafe(48)
    back = query(await Browser(server.http).visit(client.asked(verifier), CALLBACK))
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("s1", server.metadata["issuer"])
    form = {"code": back["code"], "redirect_uri": CALLBACK}
    answer = await client.token("authorization_code", **form, code_verifier=verifier)
    assert answer.json()["token_type"] == "Bearer"
    again = await client.token("authorization_code", **form, code_verifier=verifier)
    assert error(again) == (400, "invalid_grant")


async def test_a_wrong_verifier_spoils_a_code(server: Server) -> None:
    """Who has the code alone has nothing (RFC 7636, 4.6)."""
    client = await server.register()
    back = await Browser(server.http).visit(client.asked(token_urlsafe(48)), CALLBACK)
    form = {"code": query(back)["code"], "redirect_uri": CALLBACK}
    answer = await client.token("authorization_code", **form, code_verifier=token_urlsafe(48))
    assert error(answer) == (400, "invalid_grant")


async def test_a_request_without_a_challenge_is_refused(server: Server) -> None:
    """The refusal comes to the callback (RFC 7636, 4.4.1)."""
    client = await server.register()
    plain = client.asked("unused").replace("code_challenge", "unknown")
    back = query(await Browser(server.http).visit(plain, CALLBACK))
    assert (back["error"], back["state"]) == ("invalid_request", "s1")


async def test_who_presses_nothing_has_declined(toolkit: Server) -> None:
    """Whoever cancels sends the client away with access_denied (RFC 6749, 4.1.2.1)."""
    client = await toolkit.register()
    told = {name: value for name, value in PERSON.items() if name != "allow"}
    back = await Browser(toolkit.http, told).visit(client.asked("v" * 43), CALLBACK)
    assert query(back)["error"] == "access_denied"


async def test_a_used_refresh_token_ends_its_family(server: Server) -> None:
    """Whoever comes with it again ends the newest one too (RFC 9700, 4.14.2)."""
    client = await server.register()
    first = await client.tokens()
    second = (await client.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert error(await client.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert error(await client.refresh(second["refresh_token"])) == (400, "invalid_grant")
    assert await client.counts() == {
        ("authorization_code", "ok"): 1,
        ("refresh_token", "ok"): 1,
        ("refresh_token", "invalid_grant"): 2,
    }


async def test_the_access_token_ends_with_its_family(oidc_provider: Server) -> None:
    """Reuse takes the access token away as well, whoever has it."""
    client = await oidc_provider.register()
    first = await client.tokens()
    second = (await client.refresh(first["refresh_token"])).json()
    assert await client.is_active(second["access_token"])
    await client.refresh(first["refresh_token"])
    assert not await client.is_active(second["access_token"])


async def test_without_rotation_a_refresh_token_stays(server: Server) -> None:
    """It can be used again and again, and is the same in each answer."""
    client = await server.register(rotate=False)
    token = (await client.tokens())["refresh_token"]
    for _ in range(2):
        assert (await client.refresh(token)).json().get("refresh_token", token) == token


async def test_grace_forgives_a_repeated_refresh(oidc_provider: Server) -> None:
    """Within it the old token still works, as after an answer that was lost; later it does not."""
    client = await oidc_provider.register(grace_s=60)
    token = (await client.tokens())["refresh_token"]
    assert (await client.refresh(token)).is_success
    assert (await client.refresh(token)).is_success
    await oidc_provider.be_ahead(61)
    assert error(await client.refresh(token)) == (400, "invalid_grant")


async def test_scopes_are_not_widened_by_a_refresh(server: Server) -> None:
    """A refresh for more than was granted is refused (RFC 6749, 6)."""
    client = await server.register()
    token = (await client.tokens())["refresh_token"]
    assert error(await client.refresh(token, scope="read write")) == (400, "invalid_scope")


async def test_two_secrets_work_at_once(server: Server) -> None:
    """Both are accepted until one is taken away, and the server can tell which was used."""
    client = await server.register("old-secret", "new-secret", metadata=MACHINE)
    newer = Client(server, client.client_id, "new-secret")
    assert (await client.token("client_credentials", scope="read")).is_success
    assert (await newer.token("client_credentials", scope="read")).is_success
    assert await client.accepted() == [fingerprint("old-secret"), fingerprint("new-secret")]
    await client.accept("new-secret")
    assert error(await client.token("client_credentials")) == (401, "invalid_client")
    assert (await newer.token("client_credentials", scope="read")).is_success
    used = [each["secret"] for each in await client.seen()]
    assert used == [
        *map(fingerprint, ("old-secret", "new-secret")),
        None,
        fingerprint("new-secret"),
    ]


async def test_a_grant_survives_its_secret(server: Server) -> None:
    """A refresh token got with one secret is good with the next (RFC 6749, 10.4)."""
    client = await server.register("old-secret", "new-secret")
    token = (await client.tokens())["refresh_token"]
    await client.accept("new-secret")
    assert error(await client.refresh(token)) == (401, "invalid_client")
    newer = Client(server, client.client_id, "new-secret")
    assert (await newer.refresh(token)).is_success


async def test_a_worthless_refresh_token_tells_a_good_secret_from_a_bad(server: Server) -> None:
    """One is invalid_grant, the other invalid_client, and nothing is spent."""
    client = await server.register("good-secret")
    stranger = Client(server, client.client_id, "other-secret")
    assert error(await client.refresh("worthless")) == (400, "invalid_grant")
    assert error(await stranger.refresh("worthless")) == (401, "invalid_client")


@pytest.mark.parametrize("secret", [RESERVED, string.printable[:95]])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_any_character_of_rfc_6749_is_carried(
    server: Server, secret: str, method: str
) -> None:
    """Secrets of VSCHAR work in the body, and in the header where they are encoded."""
    client = await server.register(secret, metadata=MACHINE, method=method)
    assert (await client.token("client_credentials", scope="read")).is_success


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_secrets_beyond_ascii_are_carried_too(toolkit: Server, method: str) -> None:
    """A server that takes them reads UTF-8, in the header and in the body."""
    client = await toolkit.register("é and ü", metadata=MACHINE, method=method)
    assert (await client.token("client_credentials", scope="read")).is_success


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("oidc_provider", (400, "invalid_request")), ("toolkit", (401, "invalid_client"))],
)
async def test_a_raw_secret_is_not_understood(
    oidc_provider: Server, toolkit: Server, name: str, refusal: tuple[int, str]
) -> None:
    """A secret with ``%`` in it that is not encoded is another, or none at all."""
    server = {"oidc_provider": oidc_provider, "toolkit": toolkit}[name]
    client = await server.register("100%+good", metadata=MACHINE)
    raw = {"authorization": basic(client.client_id, "100%+good", encoded=False)}
    answer = await server.http.post(
        server.endpoint("token"), data={"grant_type": "client_credentials"}, headers=raw
    )
    assert error(answer) == refusal
    assert await client.counts() == {("client_credentials", refusal[1]): 1}


async def test_unknown_scopes_are_dropped_or_refused(
    oidc_provider: Server, toolkit: Server
) -> None:
    """One server says nothing, and gives less than was asked for; the other refuses."""
    wanted = {"scope": "read unheard-of"}
    dropping = await oidc_provider.register(metadata=MACHINE)
    refusing = await toolkit.register(metadata=MACHINE)
    granted = await dropping.token("client_credentials", **wanted)
    assert granted.json()["scope"] == "read"
    answer = await refusing.token("client_credentials", **wanted)
    assert error(answer) == (400, "invalid_scope")


async def test_a_token_ends_with_its_time_and_by_revocation(server: Server) -> None:
    """Introspection says so in each case; what it is told does not matter to a revocation."""
    client = await server.register(metadata=MACHINE, token_ttl_s=100)
    revoked, expired = [
        (await client.token("client_credentials", scope="read")).json() for _ in range(2)
    ]
    assert (expired["expires_in"], await client.is_active(expired["access_token"])) == (100, True)
    assert (await client.post("revocation", token=revoked["access_token"])).status_code == 200
    assert (await client.post("revocation", token="worthless")).status_code == 200
    assert not await client.is_active(revoked["access_token"])
    await server.be_ahead(101)
    assert not await client.is_active(expired["access_token"])


async def test_a_dropped_answer_has_taken_effect(server: Server) -> None:
    """The refresh token is spent although nobody saw what came for it."""
    client = await server.register()
    token = (await client.tokens())["refresh_token"]
    await client.treat("drop")
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.refresh(token)
    assert error(await client.refresh(token)) == (400, "invalid_grant")
    assert (await client.counts())["refresh_token", "ok"] == 1


async def test_a_held_answer_comes_when_it_is_released(server: Server) -> None:
    """Until then the request waits, and others pass it by."""
    client = await server.register(metadata=MACHINE)
    came = []

    async def ask() -> None:
        came.append(await client.token("client_credentials", scope="read"))

    await client.treat("hold")
    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await client.wait_until_held()
        assert (await client.token("client_credentials", scope="read")).is_success
        assert came == []
        await client.release()
    assert came[0].is_success
