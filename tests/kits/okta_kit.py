"""An Okta that answers from a script, and the pieces that scripts are made of."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx2

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.connection import ApiToken, OktaCredentials
from keyturn.domain.ids import AppId, CredentialId
from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import OktaCall, OktaOrg
from keyturn.testing import ManualClock, SeededChance

BASE = "https://org.test"
APP = AppId("0oa1")
SECRET = CredentialId("ocs1")
VALUE = Sensitive("canary-value-that-no-text-may-show")
API_TOKEN = Sensitive("canary-api-token")
START = datetime(2026, 5, 1, 12, tzinfo=UTC)

Json = Mapping[str, object] | list[object]
Step = httpx2.Response | Exception


def reply(status: int, body: Json | None = None, **headers: str) -> httpx2.Response:
    """Render an answer; ``x_okta_request_id="r"`` is written as the header x-okta-request-id."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None:
        return httpx2.Response(status, headers=named)
    kind = {"content-type": "application/json", "x-okta-request-id": "req1"}
    return httpx2.Response(status, headers={**kind, **named}, content=json.dumps(body))


def refusal(status: int, code: str, summary: str, *causes: str, **headers: str) -> httpx2.Response:
    """Render Okta's error object."""
    body = {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": "oae1",
        "errorCauses": [{"errorSummary": cause} for cause in causes],
    }
    return reply(status, body, **headers)


def secret(**changed: object) -> dict[str, object]:
    """Render a client secret that holds VALUE."""
    return {
        "id": SECRET,
        "created": "2026-04-01T10:00:00.000Z",
        "lastUpdated": "2026-04-01T10:00:00.000Z",
        "status": "ACTIVE",
        "client_secret": VALUE.reveal(),
        "secret_hash": secret_hash(VALUE),
        "_links": {},
    } | changed


def app(**changed: object) -> dict[str, object]:
    """Render an OAuth app."""
    client = {"client_id": "client1", "token_endpoint_auth_method": "client_secret_basic"}
    return {
        "id": APP,
        "label": "An app",
        "status": "ACTIVE",
        "credentials": {"oauthClient": client},
    } | changed


class ScriptedOkta:
    """Answer each request with the next step of a script; remember requests and journal."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.chance = SeededChance(1)
        self.requests: list[httpx2.Request] = []
        self.journal: list[OktaCall] = []
        self._script: list[Step] = []
        self.orgs = OktaHttpOrgs(
            self.clock, self.chance, transport=lambda: httpx2.MockTransport(self._answer)
        )

    def script(self, *steps: Step) -> OktaOrg:
        """Add steps, and return the org as an API token sees it."""
        self._script += steps
        return self.open(ApiToken(API_TOKEN))

    def open(self, credentials: OktaCredentials) -> OktaOrg:
        """Open the org."""
        return self.orgs.open(BASE, credentials, journal=self.journal.append)

    @property
    def asked(self) -> list[str]:
        """Return method and target of every request, exactly as they were on the wire."""
        return [f"{r.method} {r.url.raw_path.decode()}" for r in self.requests]

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step
