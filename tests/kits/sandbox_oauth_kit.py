"""What the tests of the authorization servers share: clients, log-ins and token requests."""

import functools
import html
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sandbox_kit import BASE, CALLBACK, World

from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ALL_GRANTS = ("authorization_code", "refresh_token", DEVICE_CODE, TOKEN_EXCHANGE)


@dataclass(frozen=True)
class Client:
    """One confidential app of a world, addressed at one authorization server (None: the org's)."""

    world: World
    app: App
    server: str | None = None

    @property
    def secret(self) -> str:
        """Return the value of the oldest client secret."""
        return self.world.org.read_app(self.app.id).live_secrets[0].value

    @property
    def root(self) -> str:
        """Return the path of the server's endpoints."""
        return f"/oauth2/{self.server}/v1" if self.server else "/oauth2/v1"

    def asked(self, **more: str) -> dict[str, str]:
        """Return an authorization request, with changes."""
        fields = {
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid offline_access",
            "state": "s1",
        }
        return fields | more

    async def post(self, path: str, **form: str) -> httpx2.Response:
        """Post a form to an endpoint, by client_secret_basic."""
        auth = httpx2.BasicAuth(self.app.client_id, self.secret)
        return await self.world.http.post(f"{self.root}/{path}", data=form, auth=auth)

    async def grant(self, grant_type: str, **form: str) -> httpx2.Response:
        """Ask for tokens."""
        return await self.post("token", grant_type=grant_type, **form)

    async def look(self, **more: str) -> httpx2.Response:
        """Open the authorization endpoint."""
        return await self.world.http.get(f"{self.root}/authorize", params=self.asked(**more))

    async def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Post the form of a page, as a script would."""
        return await self.world.http.post(action(page), data=hidden(page) | fields)

    async def sign_in(self, **more: str) -> httpx2.Response:
        """Open the log-in page and post it as the seeded person."""
        return await self.submit(await self.look(**more), **person(self.world))

    async def tokens(self, **more: str) -> dict[str, str]:
        """Log in and redeem the code."""
        code = query(await self.sign_in(**({"prompt": "login"} | more)))["code"]
        answer = await self.grant("authorization_code", code=code, redirect_uri=CALLBACK)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    async def refresh(self, token: str) -> httpx2.Response:
        """Refresh by a refresh token."""
        return await self.grant("refresh_token", refresh_token=token)

    async def is_active(self, token: str) -> bool:
        """Introspect a token."""
        return bool((await self.post("introspect", token=token)).json()["active"])


def make_client(world: World, server: str | None = None, **draft: object) -> Client:
    """Make an app with one client secret and every grant of a person."""
    members: dict[str, object] = {
        "label": "OAuth app",
        "grant_types": ALL_GRANTS,
        "redirect_uris": (CALLBACK,),
    }
    app = world.org.create_app(AppDraft(**(members | draft)))  # type: ignore[arg-type]  # as given
    return Client(world, app, server)


def person(world: World) -> dict[str, str]:
    """Return what the seeded person types."""
    user = world.org.users[world.org.seeded.user_id]
    return {"login": user.login, "password": user.password}


def hidden(page: httpx2.Response) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def action(page: httpx2.Response) -> str:
    """Return where a page's form is posted."""
    found = re.search(r'action="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def query(answer: httpx2.Response) -> dict[str, str]:
    """Return what a redirect carries in its query."""
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in found.items()}


def read_claims(token: str) -> dict[str, object]:
    """Return the claims of a JWT, unverified."""
    claims: dict[str, object] = pyjwt.decode(token, options={"verify_signature": False})
    return claims


def events(world: World, kind: str) -> list[dict[str, object]]:
    """Return debug data, result and targets of the events of one type."""
    return [
        {**event.debug, "result": event.result, "reason": event.reason, "targets": event.targets}
        for event in world.org.system_log.events()
        if event.type == kind
    ]


def oauth_error(answer: httpx2.Response) -> tuple[int, str, str]:
    """Return status, error and description of a refusal, which has no further member."""
    body = answer.json()
    assert list(body) == ["error", "error_description"]
    return answer.status_code, body["error"], body["error_description"]


@functools.cache
def own_key() -> ec.EllipticCurvePrivateKey:
    """Make the client's key once."""
    return ec.generate_private_key(ec.SECP256R1())


def prove(world: World, *, typ: str = "dpop+jwt", **changes: object) -> dict[str, str]:
    """Return the header with a DPoP proof for the org's token endpoint, changed as wanted."""
    claims: dict[str, object] = {
        "htm": "POST",
        "htu": TOKEN_URL,
        "iat": int(world.clock.at.timestamp()),
        "jti": f"proof-{world.org.journal.last}",
    }
    jwk = ECAlgorithm.to_jwk(own_key().public_key(), as_dict=True)
    headers = {"typ": typ, "jwk": jwk}
    return {"dpop": pyjwt.encode(claims | changes, own_key(), "ES256", headers)}


ISSUER = f"{BASE}/oauth2/default"
TOKEN_URL = f"{BASE}/oauth2/v1/token"
