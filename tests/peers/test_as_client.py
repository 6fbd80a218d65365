"""Keyturn as an OAuth client of servers that nobody here wrote; their records are the judge."""

from dataclasses import replace

import pytest
from authorization_kit import DEVICE_CODE, MACHINE, Certified, Server, fingerprint
from browser_kit import PERSON, Browser
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from house_kit import OFFLINE, House, housed
from jwt.algorithms import ECAlgorithm

from keyturn.domain.errors import NotReady
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.registration import Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.services.devices import ask_device, begin_device
from keyturn.services.oauth_connections import ConnectionView, delete_connection
from keyturn.services.registrations import Credential, RegistrationChange, update_registration

pytestmark = pytest.mark.slow  # a server takes a second to start

API = "https://api.example.com"
SPECIAL = ("a:b%c+d/e f&g=h?i", "plain-secret-of-some-length", "%41%20+%2B:" + "x" * 40)
LONG = "s" * 32


async def lives(house: House, one: Connection) -> bool:
    """Say whether a connection's access token is good at its server."""
    passed = await house.use(one)
    token = passed.headers["Authorization"].reveal().partition(" ")[2]
    return await house.client.is_active(token)


@pytest.mark.parametrize("secret", SPECIAL)
async def test_rfc6749_a_grant_lives_by_any_secret(server: Server, secret: str) -> None:
    """Code, PKCE and rotation, by a Basic header with characters that need care (2.3.1)."""
    async with housed(await server.register(secret)) as house:
        registration = await house.register()
        assert registration.standing in {Standing.ACCEPTED, Standing.UNPROVED}
        one = await house.authorize(registration)
        assert await lives(house, one)
        first = await house.use(one)
        again = await house.use(one, anew=True)
        assert again.number == first.number + 1
        assert await lives(house, one)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_rfc6749_a_machine_gets_tokens(server: Server, method: str) -> None:
    """Client credentials with a scope, by either way to send a secret (4.4)."""
    async with housed(await server.register(metadata=MACHINE, method=method)) as house:
        registration = await house.register()
        one = await house.connect(registration, GrantType.CLIENT_CREDENTIALS, "read")
        assert one.state is State.READY
        assert await lives(house, one)


async def test_rfc6749_a_wrong_secret_is_the_clients_matter(server: Server) -> None:
    """It is found before any grant is made, and no grant is blamed for it (5.2)."""
    client = await server.register(metadata=MACHINE)
    async with housed(replace(client, secret="canary-wrong")) as house:
        registration = await house.register()
        assert registration.standing is Standing.REJECTED
        with pytest.raises(NotReady):
            await house.use(await house.connect(registration, GrantType.CLIENT_CREDENTIALS))


async def test_rfc9700_rotation_goes_on_and_reuse_ends_it(server: Server) -> None:
    """Ten renewals in a row each spend the token before; one that is spent twice ends them all."""
    async with housed(await server.register()) as house:
        one = await house.authorize(await house.register())
        for _ in range(10):
            await house.use(one, anew=True)
        counts = await house.client.counts()
        assert counts["refresh_token", "ok"] == 10


async def test_a_secret_is_exchanged_and_grants_stay(server: Server) -> None:
    """With two secrets accepted the new one is proved, used, and the old one goes: none notices."""
    old, new = "old-secret-of-some-length", "new:secret%of+some length"
    async with housed(await server.register(old, new)) as house:
        registration = await house.register()
        every = [await house.authorize(registration) for _ in range(3)]
        credential = Credential(house.client.client_id, Sensitive(new))
        change = RegistrationChange(credential=credential)
        seen = await update_registration(house.world, house.admin, registration.id, change)
        assert seen.registration.standing is Standing.ACCEPTED
        await house.client.accept(new)
        for one in every:
            await house.use(one, anew=True)
        last = (await house.client.seen())[-1]
        assert (last["outcome"], last["secret"]) == ("ok", fingerprint(new))


async def test_rfc7009_a_grant_is_given_up_at_the_server(server: Server) -> None:
    """Its refresh token is worthless once the connection is deleted (2.1)."""
    async with housed(await server.register()) as house:
        one = await house.authorize(await house.register())
        token = (await house.use(one)).headers["Authorization"].reveal().partition(" ")[2]
        await delete_connection(house.world, house.admin, one.id)
        assert not await house.client.is_active(token)


# --- what only the certified one does -------------------------------------------------------------


async def test_rfc7523_a_client_signs_by_its_secret(oidc_provider: Server) -> None:
    """client_secret_jwt, for each request an assertion of its own (3)."""
    client = await oidc_provider.register(LONG, metadata=MACHINE, method="client_secret_jwt")
    async with housed(client) as house:
        one = await house.connect(await house.register(), GrantType.CLIENT_CREDENTIALS, "read")
        for _ in range(3):
            await house.use(one, anew=True)
        assert (await house.client.counts())["client_credentials", "ok"] == 4


async def test_rfc7523_a_client_signs_by_its_key(oidc_provider: Server) -> None:
    """private_key_jwt by a key in PEM; the server knows the public half alone (3)."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig"}
    metadata = {**MACHINE, "jwks": {"keys": [jwk]}}
    client = await oidc_provider.register(metadata=metadata, method="private_key_jwt")
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    async with housed(replace(client, secret=pem)) as house:
        registration = await house.register()
        assert registration.standing is Standing.ACCEPTED
        one = await house.connect(registration, GrantType.CLIENT_CREDENTIALS, "read")
        await house.use(one, anew=True)


async def test_rfc8705_a_client_shows_its_certificate(
    oidc_provider_over_tls: tuple[Server, Certified],
) -> None:
    """tls_client_auth needs no secret (2.1)."""
    server, files = oidc_provider_over_tls
    metadata = {**MACHINE, "tls_client_auth_san_dns": files.host}
    client = await server.register(metadata=metadata, method="tls_client_auth")
    async with housed(replace(client, secret=files.of_client), files.context()) as house:
        one = await house.connect(await house.register(), GrantType.CLIENT_CREDENTIALS, "read")
        assert one.state is State.READY


async def test_rfc6749_a_public_client_has_no_secret(oidc_provider: Server) -> None:
    """PKCE proves it at the code, and it says who it is in the body (2.1, 3.2.1)."""
    client = replace(await oidc_provider.register(method="none"), secret="")
    async with housed(client) as house:
        one = await house.authorize(await house.register())
        await house.use(one, anew=True)


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
async def test_rfc9449_tokens_are_bound_to_a_key(oidc_provider: Server, method: str) -> None:
    """DPoP with the server's nonce at code and refresh; the same key all along (5 and 8)."""
    client = await oidc_provider.register(method=method, nonce=True)
    client = replace(client, secret="" if method == "none" else client.secret)
    async with housed(client) as house:
        one = await house.authorize(await house.register(dpop=True))
        first = await house.use(one)
        assert first.headers["Authorization"].reveal().startswith("DPoP ")
        assert "DPoP" in first.headers
        await house.use(one, anew=True)


async def test_rfc9126_what_is_asked_is_pushed(oidc_provider: Server) -> None:
    """The browser carries a reference alone, where the client has to push (2 and 6)."""
    metadata = {"require_pushed_authorization_requests": True}
    async with housed(await oidc_provider.register(metadata=metadata)) as house:
        one = await house.authorize(await house.register(push=True))
        assert one.state is State.READY


async def test_rfc8707_a_token_is_for_a_resource(oidc_provider: Server) -> None:
    """The resource goes with each request for tokens (2)."""
    async with housed(await oidc_provider.register(metadata=MACHINE)) as house:
        registration = await house.register(resources=[API])
        one = await house.connect(registration, GrantType.CLIENT_CREDENTIALS, "read")
        token = (await house.use(one)).headers["Authorization"].reveal()
        assert token.count(".") == 2  # a JWT, as for no other request


async def test_c13_somebody_authorizes_at_another_device_by_rfc8628_3(
    oidc_provider: Server,
) -> None:
    """Nobody has decided, then the person has: tokens come, and are renewed (3)."""
    metadata = {"grant_types": [DEVICE_CODE, "refresh_token"]}
    async with housed(await oidc_provider.register(metadata=metadata)) as house:
        consent = [
            {"in": "form", "name": "prompt", "value": "consent", "on": "device_authorization"}
        ]
        registration = await house.register(extras=consent)
        one = await house.connect(registration, GrantType.DEVICE, *OFFLINE)
        begun = await begin_device(house.world, house.admin, one.id)
        told = {**PERSON, "user_code": begun.start.user_code}
        await Browser(oidc_provider.http, told).visit(begun.start.address)
        seen = await asked_until_there(house, one.id, begun.request.id)
        assert seen.connection.state is State.READY
        await house.use(one, anew=True)


async def asked_until_there(house: House, connection_id: str, request_id: str) -> ConnectionView:
    """Ask what the person has decided, as if the interval were over each time."""
    async with house.world.store.writing() as tx:
        request = await tx.find(AuthorizationRequest, id=request_id)
        assert request
        await tx.replace(replace(request, asked_at=None))
    found = await ask_device(house.world, house.admin, connection_id, request_id)
    assert isinstance(found, ConnectionView)
    return found


async def test_scopes_that_are_dropped_are_told(oidc_provider: Server) -> None:
    """The server leaves an unknown scope out without a word; the difference is kept (6749, 3.3)."""
    async with housed(await oidc_provider.register(metadata=MACHINE)) as house:
        registration = await house.register()
        one = await house.connect(registration, GrantType.CLIENT_CREDENTIALS, "read", "unknown")
        assert (await house.stored(one)).granted == ("read",)


async def test_a_scope_that_is_refused_is_told(toolkit: Server) -> None:
    """Another server refuses it: the connection says that it is the scope (6749, 5.2)."""
    async with housed(await toolkit.register(metadata=MACHINE)) as house:
        registration = await house.register()
        one = await house.connect(registration, GrantType.CLIENT_CREDENTIALS, "read", "unknown")
        assert "scope" in (await house.stored(one)).told
