"""Workloads that log in by a JWT: of an issuer in the tests, and of the sandbox's own org."""

import httpx2
import pytest
from api_kit import Body, House, issues, problem
from identity_kit import IDENTITIES, ask, at, newcomer, refused, use
from issuer_kit import EC_KEY, ISSUER, OTHER_KEY, Issuer, pem, signed
from workload_kit import FOUND, GIVEN, JWT, OIDC, claims, trusting, workload

from keyturn.sandbox import build_app
from keyturn.sandbox.state.directory import AppDraft


@pytest.fixture
async def near(house: House) -> House:
    """Give a house that can reach the tests' issuer."""
    return await trusting(house, Issuer().transport())


async def log_in(house: House, path: str, identity_id: str, jwt: str) -> httpx2.Response:
    """Log a workload in."""
    return await house.http.post(f"{path}/login", json={"identityId": identity_id, "jwt": jwt})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (OIDC, FOUND),
        (JWT, GIVEN),
        (JWT, {"publicKeys": [pem(EC_KEY)], "boundIssuer": ISSUER, "boundSubject": "app-1"}),
    ],
)
@pytest.mark.parametrize("form", ["json", "data"])
async def test_a_workload_logs_in(near: House, path: str, body: Body, form: str) -> None:
    """The answer is that of every log-in, and the token is good."""
    identity_id = await workload(near, path, body | {"accessTokenTTL": 60})
    asked = {"identityId": identity_id, "jwt": signed(claims(near))}
    answer = await near.http.post(f"{path}/login/", headers={"authorization": ""}, **{form: asked})
    told = answer.json()
    assert (told["expiresIn"], told["accessTokenMaxTTL"], told["tokenType"]) == (
        60,
        2_592_000,
        "Bearer",
    )
    assert await use(near, told["accessToken"]) == 200


async def test_a_token_of_the_sandbox_org_logs_a_workload_in(house: House) -> None:
    """Okta's own authorization server is an issuer like others; its access tokens are JWTs."""
    transport = httpx2.ASGITransport(build_app(house.org))
    near = await trusting(house, transport)
    issuer = "https://org.example.com/oauth2/default"
    house.org.servers.add_scope("default", "turn")
    draft = AppDraft("worker", application_type="service", grant_types=("client_credentials",))
    app = house.org.create_app(draft)
    auth = httpx2.BasicAuth(app.client_id, app.live_secrets[0].value)
    async with httpx2.AsyncClient(transport=transport, base_url=issuer) as okta:
        form = {"grant_type": "client_credentials", "scope": "turn"}
        token = (await okta.post("/v1/token", data=form, auth=auth)).json()["access_token"]
    body: Body = {"oidcDiscoveryUrl": issuer, "boundAudiences": "api://default"}
    identity_id = await workload(near, OIDC, body | {"boundClaims": {"cid": app.client_id}})
    told = (await log_in(near, OIDC, identity_id, token)).json()
    assert await use(near, told["accessToken"]) == 200


@pytest.mark.parametrize(
    "changes", [{"aud": "x"}, {"sub": "web"}, {"iss": "x"}, {"exp": 1}, {"nbf": 9**11}]
)
async def test_claims_that_do_not_fit_are_refused(near: House, changes: Body) -> None:
    """With 401 and a reason that a workload's owner can use, without a value."""
    identity_id = await workload(near, OIDC, FOUND)
    answer = await log_in(near, OIDC, identity_id, signed(claims(near, **changes)))
    assert problem(answer) == (401, "UnauthorizedError")
    assert "JWT" in answer.json()["message"]


async def test_nobody_learns_who_logs_in_by_what(near: House) -> None:
    """An identity that is not there, and one with another method, are the same to strangers."""
    identity_id, _ = await newcomer(near)
    token = signed(claims(near))
    answers = [await log_in(near, OIDC, each, token) for each in (identity_id, "nobody")]
    assert {problem(each) for each in answers} == {(401, "UnauthorizedError")}
    assert len({each.json()["message"] for each in answers}) == 1


async def test_a_token_that_the_issuer_did_not_sign_is_refused(near: House) -> None:
    """Its claims are not looked at, and the attempt is on record without the token."""
    identity_id = await workload(near, JWT, GIVEN)
    forged = signed(claims(near), OTHER_KEY)
    assert problem(await log_in(near, JWT, identity_id, forged)) == (401, "UnauthorizedError")
    async with near.world.store.reading() as tx:
        last = (await tx.list_audit())[-1].attempt
    assert (last.verb, last.allowed, last.actor) == ("log-in", False, "nobody")
    assert forged not in str(last)


async def test_an_issuer_that_is_away_is_told_as_such(house: House) -> None:
    """The answer is 502: neither the workload nor Keyturn is at fault."""
    near = await trusting(house, Issuer(fault=httpx2.ConnectError("no")).transport())
    identity_id = await workload(near, OIDC, FOUND)
    answer = await log_in(near, OIDC, identity_id, signed(claims(near)))
    assert problem(answer) == (502, "BadGateway")


async def test_rules_are_read_replaced_and_removed(near: House) -> None:
    """What comes back is what was given; what goes takes its tokens along."""
    identity_id = await workload(near, JWT, GIVEN)
    one = f"{JWT}/identities/{identity_id}"
    told = at(await ask(near, "GET", one), "identityJwtAuth")
    assert (told["boundClaims"], told["configurationType"]) == (
        {"env": ["prod", "staging"]},
        "jwks",
    )
    shown = at(await ask(near, "GET", f"{IDENTITIES}/{identity_id}"), "identity", "authMethods")
    assert shown == ["token-auth", "jwt-auth"]
    token = (await log_in(near, JWT, identity_id, signed(claims(near)))).json()["accessToken"]
    await ask(near, "PATCH", one, GIVEN | {"boundClaims": {"env": ["dev"]}})
    assert (await log_in(near, JWT, identity_id, signed(claims(near)))).status_code == 401
    await ask(near, "DELETE", one)
    assert await use(near, token) == 401
    assert await refused(near, "GET", one) == (404, "NotFound")


@pytest.mark.parametrize(
    ("path", "changes", "field"),
    [
        (OIDC, {"boundAudiences": "", "boundSubject": ""}, "boundSubject"),
        (OIDC, {"oidcDiscoveryUrl": ""}, "keys"),
        (OIDC, {"caCert": "-----BEGIN"}, "caCert"),
        (JWT, {"boundIssuer": ""}, "boundIssuer"),
        (JWT, {"publicKeys": [pem(EC_KEY)]}, "keys"),
        (JWT, {"jwksUrl": "", "publicKeys": ["junk"]}, "publicKeys"),
        (JWT, {"accessTokenTTL": 0}, "accessTokenTTL"),
        (JWT, {"boundClaims": {"a": ["x" * 256]}}, "boundClaims.a.0"),
    ],
)
async def test_rules_that_cannot_be_name_the_field(
    near: House, path: str, changes: Body, field: str
) -> None:
    """Rules that would let in anybody, or nobody, are not stored."""
    identity_id, _ = await newcomer(near)
    body = (FOUND if path == OIDC else GIVEN) | changes
    assert issues(await near.http.post(f"{path}/identities/{identity_id}", json=body)) == [field]


async def test_an_address_of_keys_is_guarded(near: House) -> None:
    """Plain http is for a sandbox, and is refused as the caller's mistake."""
    identity_id, _ = await newcomer(near)
    body = GIVEN | {"jwksUrl": "http://169.254.169.254/latest"}
    answer = await refused(near, "POST", f"{JWT}/identities/{identity_id}", body)
    assert answer == (400, "BadRequest")


async def test_a_log_in_without_a_token_names_the_field(near: House) -> None:
    """A token too long to be one is refused before it is looked at."""
    assert issues(await log_in(near, JWT, "x", "")) == ["jwt"]
    assert issues(await log_in(near, JWT, "x", "x" * 16_385)) == ["jwt"]
