"""Cross App Access: an ID token earns an ID-JAG at the org's server, that a token at another."""

import json

import jwt as pyjwt
import pytest
from joserfc.jwk import RSAKey
from sandbox_kit import BASE, World
from sandbox_oauth_kit import (
    ISSUER,
    JWT_GRANT,
    TOKEN_EXCHANGE,
    Client,
    events,
    make_client,
    oauth_error,
    prove,
    read_claims,
)

from keyturn.sandbox.state.snapshot import new_org, parse_snapshot, render_snapshot

pytestmark = pytest.mark.anyio

ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
GRANTS = ("authorization_code", TOKEN_EXCHANGE, JWT_GRANT)
OVER = "The 'subject_token' either expired or the session associated with it was terminated."


def make_agent(world: World, **draft: object) -> Client:
    """Make an app that acts for people at the server `default`, which has scopes to offer."""
    for name in ("chat.read", "chat.write"):
        if world.org.servers.read("default").find_scope(name) is None:
            world.org.servers.add_scope("default", name)
    return make_client(world, **({"grant_types": GRANTS} | draft))


def elsewhere(agent: Client) -> Client:
    """Return the same app at the server `default`."""
    return Client(agent.world, agent.app, "default")


async def exchange_form(agent: Client) -> dict[str, str]:
    """Return a good exchange of the seeded person's ID token."""
    return {
        "requested_token_type": ID_JAG,
        "subject_token": (await agent.tokens(scope="openid"))["id_token"],
        "subject_token_type": ID_TOKEN,
        "audience": ISSUER,
        "scope": "chat.read chat.write",
    }


async def earn(agent: Client) -> str:
    """Return an ID-JAG."""
    answer = await agent.grant(TOKEN_EXCHANGE, **await exchange_form(agent))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def forge(agent: Client, *, key: RSAKey | None = None, typ: str = "", **changes: object) -> str:
    """Sign an ID-JAG by hand, with claims changed or left out."""
    now, org = int(agent.world.clock.at.timestamp()), agent.world.org
    claims: dict[str, object] = {
        "jti": f"jti-{org.journal.last}",
        "iss": BASE,
        "sub": org.seeded.user_id,
        "aud": ISSUER,
        "client_id": agent.app.client_id,
        "iat": now,
        "exp": now + 300,
        "scope": "chat.read",
    }
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    private = (key or org.keys.signing).private_key
    assert private is not None
    return pyjwt.encode(kept, private, "RS256", {"typ": typ or "oauth-id-jag+jwt"})


# --- the whole way ------------------------------------------------------------------------------


async def test_an_id_token_earns_an_id_jag(world: World) -> None:
    """The answer is the document's example, and the JWT says for whom, to whom and where."""
    agent = make_agent(world)
    body = (await agent.grant(TOKEN_EXCHANGE, **await exchange_form(agent))).json()
    jag = body.pop("access_token")
    assert body == {"token_type": "N_A", "expires_in": 300, "issued_token_type": ID_JAG}
    (jwk,) = (await world.http.get("/oauth2/v1/keys")).json()["keys"]
    options = {"verify_iat": False, "verify_exp": False}
    key = pyjwt.PyJWK(jwk)
    claims = pyjwt.decode(jag, key, ["RS256"], audience=ISSUER, issuer=BASE, options=options)
    assert pyjwt.get_unverified_header(jag)["typ"] == "oauth-id-jag+jwt"
    assert claims["jti"]
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["sub"], claims["client_id"]) == (
        world.org.seeded.user_id,
        agent.app.client_id,
    )
    assert claims["scope"] == "chat.read chat.write"


async def test_an_id_jag_earns_an_access_token(world: World) -> None:
    """The other server gives a token for the person, with the scopes of the ID-JAG, alone."""
    agent = make_agent(world)
    body = (await elsewhere(agent).grant(JWT_GRANT, assertion=await earn(agent))).json()
    claims = read_claims(body.pop("access_token"))
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "chat.read chat.write"}
    assert (claims["iss"], claims["aud"]) == (ISSUER, "api://default")
    assert (claims["uid"], claims["cid"]) == (world.org.seeded.user_id, agent.app.client_id)
    assert (claims["sub"], claims["scp"]) == ("user@example.com", ["chat.read", "chat.write"])


async def test_the_resource_may_be_named(world: World) -> None:
    """A resource is said again in the ID-JAG; none but the server's own audience is there."""
    agent = make_agent(world)
    form = await exchange_form(agent) | {"resource": "api://default"}
    jag = (await agent.grant(TOKEN_EXCHANGE, **form)).json()["access_token"]
    assert read_claims(jag)["resource"] == "api://default"
    refused = await agent.grant(TOKEN_EXCHANGE, **form | {"resource": "api://other"})
    text = "'resource' is invalid or not supported."
    assert oauth_error(refused) == (400, "invalid_target", text)


async def test_both_steps_are_logged(world: World) -> None:
    """Each token given out is an event; so is a refusal."""
    agent = make_agent(world)
    jag = await earn(agent)
    for _ in range(2):
        await elsewhere(agent).grant(JWT_GRANT, assertion=jag)
    (minted,) = events(world, "app.oauth2.token.grant.id_jag")
    assert (minted["grantType"], minted["grantedScopes"]) == (
        TOKEN_EXCHANGE,
        "chat.read,chat.write",
    )
    (granted,) = events(world, "app.oauth2.as.token.grant.access_token")
    assert (granted["grantType"], granted["result"]) == (JWT_GRANT, "SUCCESS")
    (refused,) = events(world, "app.oauth2.as.token.grant")
    assert refused["errorDescription"] == "The id-jag was already used."


async def test_a_bound_client_proves_itself_at_both(world: World) -> None:
    """A client that must use DPoP needs a proof twice, and its access token is bound."""
    agent = make_agent(world)
    form = await exchange_form(agent)
    world.org.change_dpop(agent.app.id, bound=True)
    assert oauth_error(await agent.grant(TOKEN_EXCHANGE, **form))[1] == "invalid_dpop_proof"
    jag = ""
    for client, grant in ((agent, TOKEN_EXCHANGE), (elsewhere(agent), JWT_GRANT)):
        sent = form | {"grant_type": grant} if not jag else {"grant_type": grant, "assertion": jag}
        auth = (client.app.client_id, client.secret)
        url = f"{client.root}/token"
        proof = prove(world, htu=BASE + url)
        nonce = (await world.http.post(url, data=sent, auth=auth, headers=proof)).headers
        headers = prove(world, htu=BASE + url, nonce=nonce["dpop-nonce"])
        answer = await world.http.post(url, data=sent, auth=auth, headers=headers)
        assert answer.headers["dpop-nonce"]
        jag = answer.json()["access_token"]
    assert answer.json()["token_type"] == "DPoP"
    assert read_claims(jag)["cnf"]


# --- exchanges refused --------------------------------------------------------------------------


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
            {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
            "invalid_request",
            "'subject_token_type' is invalid or not supported.",
        ),
        (
            {"requested_token_type": "urn:okta:params:oauth:token-type:vaulted-secret"},
            "invalid_request",
            "'requested_token_type' is invalid or not supported.",
        ),
        (
            {"audience": "https://other.example.com"},
            "invalid_target",
            "Token Exchange requests must include a valid audience of the authorization server.",
        ),
        (
            {"scope": "chat.read openid"},
            "invalid_scope",
            "The following scopes are not allowed for this request: [openid].",
        ),
        (
            {"scope": "chat.delete"},
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ),
    ],
)
async def test_exchanges_refused(
    world: World, change: dict[str, str], error: str, text: str
) -> None:
    """Each missing or wrong parameter has its own text."""
    agent = make_agent(world)
    answer = await agent.grant(TOKEN_EXCHANGE, **await exchange_form(agent) | change)
    assert oauth_error(answer) == (400, error, text)


async def test_a_stopped_server_is_no_audience(world: World) -> None:
    """Nobody gets an ID-JAG for a server that would not take it."""
    agent = make_agent(world)
    form = await exchange_form(agent)
    world.org.servers.change_status("default", active=False)
    assert oauth_error(await agent.grant(TOKEN_EXCHANGE, **form))[1] == "invalid_target"


async def test_an_id_token_that_is_over(world: World) -> None:
    """An ID token that has expired, or whose person may not log in any more, earns nothing."""
    agent = make_agent(world)
    form = await exchange_form(agent)
    world.org.people.suspend(world.org.seeded.user_id)
    assert oauth_error(await agent.grant(TOKEN_EXCHANGE, **form)) == (400, "invalid_grant", OVER)
    world.org.people.unsuspend(world.org.seeded.user_id)
    world.clock.advance(3600)
    assert oauth_error(await agent.grant(TOKEN_EXCHANGE, **form)) == (400, "invalid_grant", OVER)


async def test_an_id_token_of_somebody_else(world: World) -> None:
    """An ID token of another client, or of another server, earns nothing."""
    agent, form = make_agent(world), await exchange_form(make_agent(world))
    text = "The 'subject_token' must be issued to the client making the request."
    assert oauth_error(await agent.grant(TOKEN_EXCHANGE, **form)) == (400, "invalid_grant", text)
    form["subject_token"] = (await elsewhere(agent).tokens(scope="openid"))["id_token"]
    text = "The 'subject_token' issuer isn't a trusted authorization server."
    assert oauth_error(await agent.grant(TOKEN_EXCHANGE, **form)) == (403, "access_denied", text)


# --- assertions refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"typ": "JWT"}, "The assertion is not a valid id-jag."),
        ({"jti": None}, "The assertion is not a valid id-jag."),
        ({"iss": ISSUER}, "The issuer of the id-jag is not a trusted authorization server."),
        (
            {"aud": "https://other.example.com"},
            (
                "The audience of the JWT Bearer Grant must match the the issuer of the "
                "authorization server."
            ),
        ),
        (
            {"client_id": "other"},
            (
                "The 'client_id' in the JWT Bearer Grant must match the 'client_id' used to "
                "authenticate the client."
            ),
        ),
        ({"exp": 1}, "The id-jag is expired."),
        ({"iat": 4_000_000_000}, "The id-jag is issued in the future."),
        ({"iat": 1}, "The lifetime of the id-jag must not exceed 5 minutes."),
        ({"sub": "nobody"}, "The 'sub' claim in the id-jag is invalid."),
        ({"scope": None}, "The id-jag must include at least one scope."),
    ],
)
async def test_assertions_refused(world: World, claims: dict[str, object], text: str) -> None:
    """Each claim that is wrong has its own text, all of them `invalid_grant`."""
    agent = make_agent(world)
    client = elsewhere(agent)
    good = await client.grant(JWT_GRANT, assertion=forge(agent))
    assert good.status_code == 200
    answer = await client.grant(JWT_GRANT, assertion=forge(agent, **claims))  # type: ignore[arg-type]  # claims by name
    assert oauth_error(answer) == (400, "invalid_grant", text)


@pytest.mark.parametrize("scope", ["openid", "gone"])
async def test_scopes_of_an_assertion_are_checked_again(world: World, scope: str) -> None:
    """A scope that the server does not have (any more), or not for this, is refused."""
    agent = make_agent(world)
    answer = await elsewhere(agent).grant(JWT_GRANT, assertion=forge(agent, scope=scope))
    assert oauth_error(answer)[:2] == (400, "invalid_scope")


async def test_other_signatures_are_refused(world: World) -> None:
    """What another key has signed, and what is no JWT, is refused."""
    client = elsewhere(make_agent(world))
    forged = forge(client, key=world.org.keys.service)
    for assertion, text in (
        (forged, "The signature of the id-jag is invalid."),
        ("junk", "The assertion is not a valid id-jag."),
    ):
        answer = await client.grant(JWT_GRANT, assertion=assertion)
        assert oauth_error(answer) == (400, "invalid_grant", text)


async def test_a_person_who_left(world: World) -> None:
    """An ID-JAG for somebody who may not log in any more earns nothing."""
    agent = make_agent(world)
    jag = await earn(agent)
    world.org.people.suspend(world.org.seeded.user_id)
    answer = await elsewhere(agent).grant(JWT_GRANT, assertion=jag)
    assert oauth_error(answer)[2] == "The 'sub' claim in the id-jag is invalid."


async def test_an_id_jag_is_used_once(world: World) -> None:
    """The second use is refused, in an org that was saved and loaded in between as well."""
    agent = make_agent(world)
    jag = await earn(agent)
    assert (await elsewhere(agent).grant(JWT_GRANT, assertion=jag)).status_code == 200
    again = await elsewhere(agent).grant(JWT_GRANT, assertion=jag)
    assert oauth_error(again) == (400, "invalid_grant", "The id-jag was already used.")
    saved = json.dumps(render_snapshot({"a": world.org}))
    tokens = new_org(parse_snapshot(json.loads(saved))["a"]).tokens
    jti, now = str(read_claims(jag)["jti"]), world.org.now()
    assert not tokens.use_once("id-jag", jti, now, now)


async def test_what_the_request_must_say(world: World) -> None:
    """The assertion is needed, and its scopes are not asked for again."""
    agent = make_agent(world)
    missing = await elsewhere(agent).grant(JWT_GRANT)
    text = "The required parameter 'assertion' is missing."
    assert oauth_error(missing) == (400, "invalid_request", text)
    asking = await elsewhere(agent).grant(JWT_GRANT, assertion=await earn(agent), scope="chat.read")
    text = "The id-jag request must not include a 'scope' parameter."
    assert oauth_error(asking) == (400, "invalid_request", text)


# --- who may, and where -------------------------------------------------------------------------


async def test_the_app_must_have_the_grant(world: World) -> None:
    """An app without one of the grant types is told which ones it has."""
    agent = make_agent(world, grant_types=("authorization_code",))
    for client, grant in ((agent, TOKEN_EXCHANGE), (elsewhere(agent), JWT_GRANT)):
        status, error, text = oauth_error(await client.grant(grant))
        assert (status, error) == (400, "unauthorized_client")
        assert text.endswith("Configured grant types: [authorization_code].")


async def test_public_clients_may_not(world: World) -> None:
    """A client without credentials takes neither step."""
    agent = make_agent(world, auth_method="none")
    for client, grant in ((agent, TOKEN_EXCHANGE), (elsewhere(agent), JWT_GRANT)):
        form = {"grant_type": grant, "client_id": agent.app.client_id}
        answer = await world.http.post(f"{client.root}/token", data=form)
        text = "Confidential client is required to make this request."
        assert oauth_error(answer) == (400, "unauthorized_client", text)


async def test_the_metadata_tell_the_truth(world: World) -> None:
    """Each server lists the grant types that it takes; the org's own takes no assertion."""
    agent = make_agent(world)
    for base, path, taken in (
        (agent, "/.well-known/openid-configuration", False),
        (elsewhere(agent), "/oauth2/default/.well-known/openid-configuration", True),
    ):
        listed = (await world.http.get(path)).json()["grant_types_supported"]
        assert (TOKEN_EXCHANGE in listed, JWT_GRANT in listed) == (True, taken)
        _, error, _ = oauth_error(await base.grant(JWT_GRANT))
        assert error == ("invalid_request" if taken else "unsupported_grant_type")
