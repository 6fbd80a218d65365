"""Token exchange on behalf of a person, at custom authorization servers."""

import pytest
from sandbox_kit import World
from sandbox_oauth_kit import TOKEN_EXCHANGE, Client, make_client, oauth_error, read_claims

pytestmark = pytest.mark.anyio

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def make_service(world: World, server: str | None = "default", kind: str = "service") -> Client:
    """Make a service that may exchange tokens."""
    if world.org.servers.read("default").find_scope("car:drive") is None:
        world.org.servers.add_scope("default", "car:drive")
    return make_client(world, server, application_type=kind, grant_types=(TOKEN_EXCHANGE,))


async def exchange_form(world: World, server: str | None = "default") -> dict[str, str]:
    """Return a good exchange of the seeded person's access token."""
    tokens = await make_client(world, server).tokens()
    return {
        "subject_token": tokens["access_token"],
        "subject_token_type": ACCESS_TOKEN,
        "audience": "api://default",
        "scope": "car:drive",
    }


async def test_a_service_acts_for_a_person(world: World) -> None:
    """The new token names the same person, the service as client, and the new scope."""
    form = await exchange_form(world)
    service = make_service(world)
    body = (await service.grant(TOKEN_EXCHANGE, **form)).json()
    assert (body["issued_token_type"], body["scope"]) == (ACCESS_TOKEN, "car:drive")
    before, after = read_claims(form["subject_token"]), read_claims(body["access_token"])
    assert (after["sub"], after["uid"]) == (before["sub"], before["uid"])
    assert (after["cid"], after["scp"]) == (service.app.client_id, ["car:drive"])


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            {"subject_token": ""},
            "invalid_request",
            "The required parameter 'subject_token' is missing.",
        ),
        ({"subject_token": "junk"}, "invalid_request", "'subject_token' is invalid."),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
            "invalid_request",
            "'subject_token_type' is invalid or not supported.",
        ),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:saml2"},
            "invalid_request",
            "'requested_token_type' is invalid or not supported.",
        ),
        (
            {"audience": "api://other"},
            "invalid_target",
            "Token Exchange requests must include a valid audience of the authorization server.",
        ),
        (
            {"scope": "openid"},
            "invalid_scope",
            "Can't request 'openid' scopes using the Token Exchange flow for a service app.",
        ),
    ],
)
async def test_exchanges_refused(
    world: World, change: dict[str, str], error: str, text: str
) -> None:
    """Each missing or wrong parameter has its own text."""
    form = await exchange_form(world) | change
    answer = await make_service(world).grant(TOKEN_EXCHANGE, **form)
    assert oauth_error(answer) == (400, error, text)


async def test_an_expired_subject(world: World) -> None:
    """A token that is over earns nothing."""
    form = await exchange_form(world)
    world.clock.advance(3600)
    answer = await make_service(world).grant(TOKEN_EXCHANGE, **form)
    assert oauth_error(answer) == (
        400,
        "invalid_grant",
        "The 'subject_token' either expired or the session associated with it was terminated.",
    )


async def test_a_token_of_another_server(world: World) -> None:
    """A token of the org's own server is not trusted here."""
    form = await exchange_form(world, None)
    answer = await make_service(world).grant(TOKEN_EXCHANGE, **form)
    assert oauth_error(answer) == (
        403,
        "access_denied",
        "The 'subject_token' issuer isn't a trusted authorization server.",
    )


async def test_only_services_exchange(world: World) -> None:
    """A web app may not."""
    form = await exchange_form(world)
    answer = await make_service(world, kind="web").grant(TOKEN_EXCHANGE, **form)
    text = "Only service clients may use on-behalf token exchange."
    assert oauth_error(answer) == (400, "invalid_request", text)


async def test_the_org_server_gives_no_access_token(world: World) -> None:
    """The org's own server exchanges nothing for an access token."""
    form = await exchange_form(world, None) | {"requested_token_type": ACCESS_TOKEN}
    answer = await make_service(world, None).grant(TOKEN_EXCHANGE, **form)
    text = "'subject_token_type' is invalid or not supported."
    assert oauth_error(answer) == (400, "invalid_request", text)
