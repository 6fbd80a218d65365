"""Whole conversations with the sandbox, which judges as Okta does and shares no code with us."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime

import httpx2
import pytest
from echo_kit import jwk, pem
from issuer_kit import EC_KEY, OTHER_KEY
from joserfc.jwk import ECKey
from sandbox_kit import BASE, CALLBACK, World
from sandbox_oauth_kit import Client as App
from sandbox_oauth_kit import make_client, person, query

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.domain.oauth.answers import Fault, NoTokens, TokenSet, read_members, read_token_answer
from keyturn.domain.oauth.connectors import okta_document
from keyturn.domain.oauth.documents import parse
from keyturn.domain.oauth.ladder import REQUESTS, WORTHLESS, Rung, rungs, verdict
from keyturn.domain.oauth.provider import BasicEncoding, ClientAuth, Provider, RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Fault as SandboxFault
from keyturn.sandbox import build_app
from keyturn.services.ports import Client, Members
from keyturn.testing import SeededChance

SECRET = "canary-value: 50%+1 / of a long secret"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
PROVIDER = parse(okta_document("org.example.com"))


@dataclass
class Rehearsal:
    """A sandbox and the adapter, under the sandbox's clock."""

    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.servers = HttpAuthorizationServers(
            self, SeededChance(1), lambda _: httpx2.ASGITransport(build_app(self.world.org))
        )

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self.world.clock.at

    def uptime_s(self) -> float:
        """Return it in seconds."""
        return self.now().timestamp()

    async def ask(self, one: Client, request: RequestType, **members: str) -> object:
        """Ask, and read what came."""
        return read_token_answer(await self.servers.ask(one, request, members))

    async def tokens(self, one: Client, request: RequestType, **members: str) -> TokenSet:
        """Ask for tokens, and have them."""
        answer = await self.ask(one, request, **members)
        assert isinstance(answer, TokenSet), answer
        return answer


@pytest.fixture
def at() -> Rehearsal:
    """Give a fresh sandbox with the adapter to it."""
    return Rehearsal()


def client_of(
    app: App, auth: ClientAuth = ClientAuth.BASIC, secret: str = "", **provider: object
) -> Client:
    """Return an app of the sandbox as a client, by default with its secret."""
    made = Provider(**(vars(PROVIDER) | {"auth": auth} | provider))
    return Client(app.app.client_id, made, Sensitive(secret or app.secret))


async def code_of(app: App, **more: str) -> str:
    """Have the seeded person agree."""
    asked = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "nonce": "n-1"}
    return query(await app.sign_in(**asked, **more))["code"]


PUBLIC = ECKey.import_key(EC_KEY.public_key(), {"kid": "k1"}).as_dict()
METHODS = {
    ClientAuth.BASIC: (SECRET, "a wrong: 50%+1 / of a long secret"),
    ClientAuth.POST: (SECRET, "a wrong: 50%+1 / of a long secret"),
    ClientAuth.SECRET_JWT: (SECRET, "a wrong: 50%+1 / of a long secret"),
    ClientAuth.KEY_JWT: (jwk(EC_KEY), jwk(OTHER_KEY)),
}


@pytest.mark.parametrize("encoding", BasicEncoding)
@pytest.mark.parametrize("rung", [Rung.INTROSPECT, Rung.REVOKE, Rung.REFRESH])
@pytest.mark.parametrize("auth", METHODS)
async def test_c5_each_method_proves_a_secret_and_only_the_right_one(
    at: Rehearsal, auth: ClientAuth, rung: Rung, encoding: BasicEncoding
) -> None:
    """Every rung of the ladder tells, by whatever method the client authenticates."""
    keyed = auth is ClientAuth.KEY_JWT
    app = make_client(
        at.world,
        auth_method=auth.value,
        secrets=() if keyed else (SECRET,),
        jwks=(PUBLIC,) if keyed else (),
    )
    assert rung in rungs(client_of(app, auth, "x").provider, mints=False)
    asked: Members = {"refresh_token": WORTHLESS} if rung is Rung.REFRESH else {"token": WORTHLESS}
    told = []
    for secret in METHODS[auth]:
        one = client_of(app, auth, secret, basic_encoding=encoding)
        told.append(verdict(rung, await at.servers.ask(one, REQUESTS[rung], asked)))
    assert told == [True, False]


@pytest.mark.parametrize("path", ["", "/oauth2/default"])
async def test_c11_both_kinds_of_server_are_discovered(at: Rehearsal, path: str) -> None:
    """Okta's org server publishes one document, its custom servers two."""
    found = await at.servers.read_metadata(BASE + path)
    root = f"{BASE}{path or '/oauth2'}/v1"
    assert found.endpoints.token == f"{root}/token"
    assert found.endpoints.pushed_authorization == f"{root}/par"
    at.servers.check(Provider(found.endpoints, issuer=found.issuer))


async def test_c7_c10_c12_the_life_of_a_grant(at: Rehearsal) -> None:
    """A code, tokens whose ID token is proved, a refresh, and the end by revocation."""
    app = make_client(at.world)
    one = client_of(app)
    first = await at.tokens(
        one,
        RequestType.CODE,
        code=await code_of(app),
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )
    assert first.id_token
    assert first.refresh
    claims = await at.servers.read_claims(one, first.id_token)
    assert claims
    assert (claims["iss"], claims["nonce"], claims["aud"]) == (BASE, "n-1", one.client_id)
    again = await at.tokens(one, RequestType.REFRESH, refresh_token=first.refresh.reveal())
    kept = (again.refresh or first.refresh).reveal()
    await at.ask(one, RequestType.REVOKE, token=kept, token_type_hint="refresh_token")
    ended = await at.ask(one, RequestType.REFRESH, refresh_token=kept)
    assert isinstance(ended, NoTokens)
    assert ended.fault is Fault.GRANT


async def test_c3_a_code_is_nothing_without_its_verifier(at: Rehearsal) -> None:
    """Whoever intercepts a code lacks what it was asked with (RFC 7636, 4.6)."""
    app = make_client(at.world)
    code = await code_of(app)
    answer = await at.ask(
        client_of(app), RequestType.CODE, code=code, redirect_uri=CALLBACK, code_verifier="w" * 43
    )
    assert isinstance(answer, NoTokens)
    assert answer.fault is Fault.GRANT


async def test_c16_a_pushed_request_by_rfc9126(at: Rehearsal) -> None:
    """What was pushed is asked by its reference alone, and the code that comes is good."""
    app = make_client(at.world)
    one = client_of(app)
    members = app.asked(code_challenge=CHALLENGE, code_challenge_method="S256")
    pushed = read_members(await at.servers.ask(one, RequestType.PUSH, members))
    asked = {"client_id": one.client_id, "request_uri": str(pushed["request_uri"])}
    page = await at.world.http.get("/oauth2/v1/authorize", params=asked)
    code = query(await app.submit(page, **person(at.world)))["code"]
    form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert (await at.tokens(one, RequestType.CODE, **form)).scope == "openid offline_access"


async def test_c17_tokens_of_a_bound_app(at: Rehearsal) -> None:
    """The nonce is learned at once; the token opens with its proof, and as a bearer token not."""
    app = make_client(at.world, dpop_bound=True)
    bare = client_of(app, check_url=f"{BASE}/oauth2/v1/userinfo")
    one = Client(bare.client_id, bare.provider, bare.secret, at.servers.new_dpop_key())
    form = {"code": await code_of(app), "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    got = await at.tokens(one, RequestType.CODE, **form)
    assert got.token_type == "DPoP"
    assert await at.servers.try_token(one, got.access, "DPoP") == 200
    assert await at.servers.try_token(one, got.access, "Bearer") in {400, 401}
    assert got.refresh
    await at.tokens(one, RequestType.REFRESH, refresh_token=got.refresh.reveal())


async def test_c13_a_device_is_authorized_elsewhere(at: Rehearsal) -> None:
    """A code for a person is asked for, and until somebody decides the answer is: not yet."""
    app = make_client(at.world)
    one = client_of(app)
    told = read_members(await at.servers.ask(one, RequestType.DEVICE, {"scope": "openid"}))
    code = str(told["device_code"])
    waiting = await at.ask(one, RequestType.DEVICE_CODE, device_code=code)
    assert isinstance(waiting, NoTokens)
    assert waiting.fault is Fault.PENDING
    form = {"user_code": str(told["user_code"]), "decision": "approve", **person(at.world)}
    await at.world.http.post("/activate", data=form)
    at.world.clock.advance(5)
    assert (await at.tokens(one, RequestType.DEVICE_CODE, device_code=code)).id_token


async def test_c9_a_service_signs_by_a_key_in_pem(at: Rehearsal) -> None:
    """Client credentials by a key that has no name."""
    app = make_client(
        at.world,
        auth_method="private_key_jwt",
        application_type="service",
        grant_types=("client_credentials",),
        response_types=("token",),
        redirect_uris=(),
        jwks=(PUBLIC,),
        secrets=(),
        granted_scopes=("okta.users.read",),
    )
    one = client_of(app, ClientAuth.KEY_JWT, pem(EC_KEY))
    got = await at.tokens(one, RequestType.CLIENT_CREDENTIALS, scope="okta.users.read")
    assert (got.scope, got.lifetime_s, got.refresh) == ("okta.users.read", 3600, None)


TOKEN_ROUTE = "/oauth2/v1/token"


@pytest.mark.parametrize(
    "kind",
    ["drop-before-effect", "drop-after-effect", "error-after-effect", "html", "truncate", "cut"],
)
async def test_a_faulty_server_leaves_the_effect_open(at: Rehearsal, kind: str) -> None:
    """Whoever asked has to assume that the refresh token may be used up."""
    app = make_client(at.world)
    token = (await app.tokens())["refresh_token"]
    at.world.org.add_fault(SandboxFault(kind, "POST", TOKEN_ROUTE, count=1))  # type: ignore[arg-type]  # one of its kinds
    answer = await at.ask(client_of(app), RequestType.REFRESH, refresh_token=token)
    assert isinstance(answer, NoTokens)
    assert (answer.fault, answer.effect_possible) == (Fault.AWAY, True)


async def test_a_rate_limit_says_how_long(at: Rehearsal) -> None:
    """And nothing has happened."""
    app = make_client(at.world)
    at.world.org.add_fault(SandboxFault("rate-limit", "POST", TOKEN_ROUTE, count=1))
    answer = await at.ask(client_of(app), RequestType.REFRESH, refresh_token="canary")
    assert isinstance(answer, NoTokens)
    assert (answer.fault, answer.effect_possible) == (Fault.AWAY, False)
