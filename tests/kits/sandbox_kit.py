"""What the sandbox's tests share: a world of one org, and clients that speak to it."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt as pyjwt
from joserfc.jwk import RSAKey

from keyturn.sandbox import Org, build_app

BASE = "https://org.example.com"
CALLBACK = "http://127.0.0.1/callback"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ManualClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the moment it stands at."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.at += timedelta(seconds=seconds)


@dataclass
class World:
    """One org under a manual clock; delays move the clock instead of waiting."""

    seed: int = 1
    clock: ManualClock = field(default_factory=ManualClock)
    org: Org = field(init=False)
    http: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.org = Org(self.seed, self.clock, sleep=self._sleep)
        transport = httpx2.ASGITransport(build_app(self.org))
        self.http = httpx2.AsyncClient(transport=transport, base_url=BASE)

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # --- the seeded web app ---

    @property
    def app_id(self) -> str:
        """Return its id."""
        return self.org.seeded.web_app_id

    @property
    def client_id(self) -> str:
        """Return its client id."""
        return self.org.read_app(self.app_id).client_id

    @property
    def secret(self) -> str:
        """Return the value of the oldest client secret."""
        return self.org.read_app(self.app_id).live_secrets[0].value

    @property
    def secrets_path(self) -> str:
        """Return the path of its client secrets."""
        return f"/api/v1/apps/{self.app_id}/credentials/secrets"

    # --- callers ---

    async def admin(
        self, method: str, path: str, json: object = None, **options: object
    ) -> httpx2.Response:
        """Call the management API with the org's SSWS token."""
        headers = {"authorization": f"SSWS {self.org.seeded.api_token}"}
        body = {} if json is None else {"json": json}
        return await self.http.request(method, path, headers=headers, **body, **options)  # type: ignore[arg-type]  # passed on

    async def make_secret(self) -> dict[str, str]:
        """Add a client secret through the API and return its object."""
        made: dict[str, str] = (await self.admin("POST", self.secrets_path)).json()
        return made

    async def post(
        self, path: str, form: Mapping[str, str], secret: str | None = None
    ) -> httpx2.Response:
        """Post a form to an OAuth endpoint as the web app, by client_secret_basic."""
        auth = httpx2.BasicAuth(self.client_id, secret or self.secret)
        return await self.http.post(f"/oauth2/v1/{path}", data=dict(form), auth=auth)

    async def probe(self, secret: str) -> int:
        """Return the status of an introspection of junk with this client secret."""
        return (await self.post("introspect", {"token": "junk"}, secret)).status_code

    async def log_in(
        self, scope: str = "openid email profile offline_access", **extra: str
    ) -> dict[str, str]:
        """Log the seeded user in by posting the form, and return what came back in the redirect."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": scope,
            "state": "s1",
            "prompt": "login",
        }
        page = await self.http.get("/oauth2/v1/authorize", params=asked | extra)
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        user = self.org.users[self.org.seeded.user_id]
        fields |= {"login": user.login, "password": user.password}
        answer = await self.http.post("/oauth2/v1/authorize", data=fields)
        return redirect_query(answer)

    async def redeem(self, code: str, secret: str | None = None, **extra: str) -> httpx2.Response:
        """Exchange a code for tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return await self.post("token", form | extra, secret)

    async def refresh(self, token: str, secret: str | None = None) -> httpx2.Response:
        """Refresh by a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return await self.post("token", form, secret)

    # --- the seeded service app ---

    @property
    def service_client_id(self) -> str:
        """Return its client id."""
        return self.org.read_app(self.org.seeded.service_app_id).client_id

    def assertion(self, *, key: RSAKey | None = None, **changes: object) -> str:
        """Sign a client assertion, with PyJWT as an independent hand."""
        now = int(self.clock.at.timestamp())
        claims: dict[str, object] = {
            "iss": self.service_client_id,
            "sub": self.service_client_id,
            "aud": f"{BASE}/oauth2/v1/token",
            "iat": now,
            "exp": now + 300,
            "jti": f"jti-{self.org.journal.last}",
        }
        signer = key or self.org.keys.service
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        private = signer.private_key
        assert private is not None
        return pyjwt.encode(kept, private, "RS256", {"kid": str(self.org.keys.service.kid)})

    async def service_token(
        self,
        scope: str = "okta.apps.read",
        assertion: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Ask for an access token as the service app."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion or self.assertion(),
        }
        return await self.http.post("/oauth2/v1/token", data=form, headers=headers)


def redirect_query(answer: httpx2.Response) -> dict[str, str]:
    """Return the query with which a client was called back."""
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def okta_error(code: str, summary: str, *causes: str) -> dict[str, object]:
    """Return the error body expected, but for its id."""
    return {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorCauses": [{"errorSummary": cause} for cause in causes],
    }


def without_id(answer: httpx2.Response) -> dict[str, object]:
    """Return an error body without its id, after checking the id's shape and place."""
    body: dict[str, object] = answer.json()
    names = ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
    assert list(body) == names
    assert re.fullmatch(r"oae[\w-]{22}", str(body.pop("errorId")))
    return body


def basic(client_id: str, secret: str) -> str:
    """Return a basic Authorization header."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
