"""How Keyturn proves itself at an org, call by call.

Decides the headers of an authorised call and when an access token is fetched, kept and dropped.
Knows nothing of what the calls are for.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.line import Line
from keyturn.adapters.okta.shapes import Garbled, find_member, read_text
from keyturn.domain.errors import FieldProblem, InvalidInput, OktaUnreachable
from keyturn.domain.okta_paths import TOKEN_PATH
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.assertions import Assertions
from keyturn.jose.dpop import DpopKey
from keyturn.jose.keys import SigningKey
from keyturn.services.ports import Chance, Clock

SCOPES = "okta.apps.manage okta.apps.read"
LOG_SCOPES = "okta.logs.read"
"""Asked for apart, because an org may not have granted it, and turns do without."""

INTEGRATION_SCOPES = "okta.oauthIntegrations.manage okta.oauthIntegrations.read"
"""Asked for apart, because only API service integrations need them."""

GRANT_SCOPES = "okta.appGrants.read"
"""Asked for apart, because it only serves to see what apps were granted."""

GROUP_SCOPES = "okta.groups.read"
"""Asked for apart, because it only serves to see which apps a group has."""

FETCH_TOKEN = "issue an access token"

TOKEN_REQUESTS = 3
"""One plain, one with a DPoP proof, one with the nonce that Okta asks for."""

LONGEST_MARGIN_S = 60.0
"""A token is renewed so long before its end, or a tenth of its life before if that is less."""


class Credentials(Protocol):
    """Authorise calls to one org."""

    @property
    def principal(self) -> str:
        """Return a name for whose rate limit the calls count against; no secret."""
        ...

    async def authorise(self, line: Line, call: Call, until: float) -> Call:
        """Return the call with its headers. Raises OktaError where no access token comes."""
        ...

    def renewable_after(self, refused: Call) -> bool:
        """Drop what a 401 refused; say whether another try may do better."""
        ...


class ApiTokenCredentials:
    """Authorise with an SSWS token."""

    def __init__(self, value: Sensitive) -> None:
        text = value.reveal()
        if not text or not all("!" <= char <= "~" for char in text):
            raise InvalidInput(FieldProblem(("apiToken",), "must be an API token of Okta's"))
        self._value = value
        self.principal = "SSWS " + hashlib.sha256(text.encode()).hexdigest()

    async def authorise(self, line: Line, call: Call, until: float) -> Call:
        """Return the call with the token."""
        return call.with_headers({"Authorization": f"SSWS {self._value.reveal()}"})

    def renewable_after(self, refused: Call) -> bool:
        """Say no: there is only this one token."""
        return False


@dataclass(frozen=True)
class _AccessToken:
    value: Sensitive
    scheme: str
    fresh_until_s: float


class ServiceAppCredentials:
    """Authorise as a service app, with one access token at a time for everyone who asks.

    Binds the token by DPoP once Okta demands it (RFC 9449). Source: Okta's guide to OAuth for its
    API with a service app.
    """

    def __init__(
        self,
        client_id: str,
        signing: SigningKey,
        token_url: str,
        *,
        scopes: str,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self.principal = client_id
        self._signing = signing
        self._token_url = token_url
        self._scopes = scopes
        self._assertions = Assertions(token_url, clock, chance)
        self._clock = clock
        self._chance = chance
        self._fetching = asyncio.Lock()
        self._token: _AccessToken | None = None
        self._dpop: DpopKey | None = None
        self._nonce: str | None = None

    async def authorise(self, line: Line, call: Call, until: float) -> Call:
        """Return the call with the access token, and with a proof where it is bound."""
        token = self._fresh() or await self._fetch_once(line, until)
        headers = {"Authorization": f"{token.scheme} {token.value.reveal()}"}
        if self._dpop and token.scheme == "DPoP":
            url = line.base + call.path
            headers["DPoP"] = self._dpop.prove(call.method, url, token=token.value)
        return call.with_headers(headers)

    def renewable_after(self, refused: Call) -> bool:
        """Drop the access token if it is still the refused one, and say yes."""
        token = self._token
        if token and refused.headers["Authorization"] == f"{token.scheme} {token.value.reveal()}":
            self._token = None
        return True

    def _fresh(self) -> _AccessToken | None:
        token = self._token
        return token if token and self._clock.uptime_s() < token.fresh_until_s else None

    async def _fetch_once(self, line: Line, until: float) -> _AccessToken:
        """Fetch while everyone else waits, unless somebody has while we waited."""
        async with self._alone(until):
            self._token = self._fresh() or await self._fetch(line, until)
            return self._token

    @asynccontextmanager
    async def _alone(self, until: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(until):
                await self._fetching.acquire()
        except TimeoutError:
            why = "no answer in time"
            raise OktaUnreachable(FETCH_TOKEN, why, effect_possible=False) from None
        try:
            yield
        finally:
            self._fetching.release()

    async def _fetch(self, line: Line, until: float) -> _AccessToken:
        answer = await line.send(self._request(), until)
        for _ in range(TOKEN_REQUESTS - 1):
            if not self._learn(answer):
                break
            answer = await line.send(self._request(), until)
        self._nonce = answer.headers.get("dpop-nonce", self._nonce)
        return answer.accept(200).parse(self._parse)

    def _request(self) -> Call:
        members = {
            "grant_type": "client_credentials",
            "scope": self._scopes,
            **self._assertions.by_key(self.principal, self._signing),
        }
        hidden = (Sensitive(members["client_assertion"]),)
        call = Call(FETCH_TOKEN, "POST", TOKEN_PATH, self.principal, hidden=hidden)
        call = call.with_form(members)
        if self._dpop is None:
            return call
        proof = self._dpop.prove("POST", self._token_url, nonce=self._nonce)
        return call.with_headers({"DPoP": proof})

    def _learn(self, answer: Answer) -> bool:
        """Take what Okta demands of DPoP from its answer; say whether there was anything."""
        error = answer.find_error()
        code = error.code if error else ""
        if code == "invalid_dpop_proof" and self._dpop is None:
            self._dpop = DpopKey.new(self._clock, self._chance)
            return True
        nonce = answer.headers.get("dpop-nonce")
        if code == "use_dpop_nonce" and self._dpop and nonce:
            self._nonce = nonce
            return True
        return False

    def _parse(self, data: object) -> _AccessToken:
        value = read_text(data, "access_token")
        lifetime_s = find_member(data, "expires_in")
        if (
            not isinstance(lifetime_s, int | float)
            or not value.isascii()
            or not value.isprintable()
        ):
            raise Garbled("the answer's access_token or expires_in is not what it should be")
        margin_s = min(LONGEST_MARGIN_S, lifetime_s / 10)
        return _AccessToken(
            value=Sensitive(value),
            scheme=self._scheme(read_text(data, "token_type")),
            fresh_until_s=self._clock.uptime_s() + lifetime_s - margin_s,
        )

    def _scheme(self, token_type: str) -> str:
        if token_type.lower() == "dpop" and self._dpop:
            return "DPoP"
        if token_type.lower() == "bearer":
            return "Bearer"
        raise Garbled("the answer's token_type is not what it should be")
