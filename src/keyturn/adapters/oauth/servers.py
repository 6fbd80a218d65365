"""Authorization servers, asked over HTTPS.

Decides when a request is made a second time: for the server's nonce in the DPoP proof, and for the
other spelling of a Basic header. What an answer means otherwise is not looked at.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from keyturn.adapters.oauth import proofs
from keyturn.adapters.oauth.discovery import discover
from keyturn.adapters.oauth.id_tokens import IdTokens
from keyturn.adapters.oauth.recent import Recent
from keyturn.adapters.oauth.requests import Outgoing, Writer, basic
from keyturn.adapters.oauth.sending import NOTHING, Came, Sender, Transports
from keyturn.domain.addresses import endpoint_url
from keyturn.domain.errors import AddressRefused, InvalidInput
from keyturn.domain.expiry import Life
from keyturn.domain.oauth.answers import Fault, NoTokens, Reply, read_members, read_token_answer
from keyturn.domain.oauth.metadata import Metadata
from keyturn.domain.oauth.provider import (
    BasicEncoding,
    ClientAuth,
    Endpoints,
    Proof,
    Provider,
    RequestType,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.dpop import DpopKey
from keyturn.network.certificates import parse_certificate
from keyturn.services.ports import Chance, Client, Clock, Members, Proven

CALL_LIMIT_S = 15.0
LEARNED_MAX = 1000
CHECKER = "what is asked whether a token is good"


@dataclass(frozen=True)
class _Question:
    """One thing to ask, and until when, in the event loop's seconds."""

    client: Client
    request: RequestType
    members: Members = field(repr=False)
    until: float


class HttpAuthorizationServers:
    """Ask servers (`services.ports.AuthorizationServers`); close it with `aclose`.

    A call may take ``call_limit_s`` in all, whatever is asked twice. What a server taught, its
    nonce and the spelling that it takes, is remembered while the process lasts.
    """

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        transport: Transports,
        *,
        private_allowed: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._private_allowed = private_allowed
        self._call_limit_s = call_limit_s
        self._writer = Writer(clock, chance)
        self._sender = Sender(clock, transport)
        self._id_tokens = IdTokens(clock, self._read)
        self._nonces: Recent[str, str] = Recent(LEARNED_MAX)
        self._spellings: Recent[tuple[str, str], BasicEncoding] = Recent(LEARNED_MAX)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._sender.aclose()

    def check(self, provider: Provider) -> None:
        """Raise AddressRefused where an address cannot be one to go to; calls nobody."""
        self._check_endpoints(provider.endpoints)
        for url, whose in ((provider.issuer, "the issuer"), (provider.check_url, CHECKER)):
            if url:
                self._require(url, whose)

    def check_secret(self, provider: Provider, secret: Sensitive) -> None:
        """Raise InvalidInput where this is nothing that its clients could authenticate with."""
        proofs.check(provider, secret)

    def read_life(self, secret: Sensitive) -> Life:
        """Return from when until when a certificate is good."""
        return parse_certificate(secret).life

    async def read_metadata(self, issuer: str, *, foreign: Collection[str] = ()) -> Metadata:
        """Read what an issuer says of itself, wherever it says it."""
        until = self._until()
        found = await discover(issuer, lambda url: self._read(url, until), foreign)
        self._check_endpoints(found.endpoints)
        return found

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Make one request, authenticated as the provider wants it, and return what came."""
        self._require(client.provider.endpoints.of(request), f"the endpoint of {request}")
        try:
            return await self._spelled(_Question(client, request, members, self._until()))
        except InvalidInput:  # nothing that could be sent
            return NOTHING

    async def read_claims(self, client: Client, id_token: Sensitive) -> Mapping[str, object] | None:
        """Return the claims of an ID token that a key of the server has signed; None otherwise."""
        try:
            return await self._id_tokens.read_claims(client.provider.endpoints.jwks, id_token)
        except AddressRefused:
            return None

    async def read_userinfo(self, client: Client, access: Sensitive) -> Mapping[str, object]:
        """Return what userinfo tells of a token's person (OpenID Connect Core 1.0, 5.3)."""
        asked = Outgoing(
            "GET",
            client.provider.endpoints.userinfo,
            {"Authorization": f"Bearer {access.reveal()}"},
        )
        try:
            self._require(asked.url, "the userinfo endpoint")
            came = await self._sender.send(asked, self._until())
        except (AddressRefused, InvalidInput):
            return {}
        return read_members(came.reply) if came.reply.status == 200 else {}

    async def try_token(self, client: Client, token: Sensitive, kind: str) -> int:
        """Return the status with which the provider's ``check_url`` answers a token; 0 for none."""
        until = self._until()
        try:
            self._require(client.provider.check_url, CHECKER)
            came = await self._look(client, token, kind, until)
            if came.nonce and "use_dpop_nonce" in came.challenge:
                came = await self._look(client, token, kind, until)
        except (AddressRefused, InvalidInput):
            return 0
        return came.reply.status

    def new_dpop_key(self) -> Sensitive:
        """Return a new key for DPoP proofs."""
        return DpopKey.new(self._clock, self._chance).private_jwk

    def prove_possession(self, key: Sensitive, what: Proven) -> str:
        """Return the DPoP proof of one request to a resource (RFC 9449, 4.2 and 7.1)."""
        held = DpopKey.parse(key, self._clock, self._chance)
        return held.prove(what.method, what.url, nonce=what.nonce, token=what.token)

    # --- once, or twice ---------------------------------------------------------------------------

    async def _spelled(self, question: _Question) -> Reply:
        """Ask, and again by the other spelling where the first one was refused for what it is.

        Where neither is taken, the first refusal tells more: the other spelling is hardly known.
        """
        first, *other = self._spellings_of(question)
        came = await self._proved(question, first)
        if not other or not _may_be_misspelt(came.reply):
            return came.reply
        again = await self._proved(question, other[0])
        if _may_be_misspelt(again.reply):
            return came.reply
        self._spellings.keep(_spelling_key(question), other[0])
        return again.reply

    def _spellings_of(self, question: _Question) -> list[BasicEncoding]:
        """Return how a Basic header may be spelled, the way that was taken last time first."""
        client, encoding = question.client, question.client.provider.basic_encoding
        by_header = client.provider.auth_for(question.request) is ClientAuth.BASIC
        if encoding is not BasicEncoding.AUTO or not by_header:
            return [encoding]
        ways = [BasicEncoding.RFC6749, BasicEncoding.RAW]
        secret = proofs.client_secret(client.secret)
        if len({basic(client.client_id, secret, way) for way in ways}) == 1:
            return ways[:1]
        taken = self._spellings.get(_spelling_key(question))
        return sorted(ways, key=lambda way: way is not taken)

    async def _proved(self, question: _Question, encoding: BasicEncoding) -> Came:
        """Ask, and once more where the server wants its nonce in the proof (RFC 9449, 8)."""
        came = await self._post(question, encoding)
        if question.client.dpop_key and came.nonce and _fault(came.reply) is Fault.NONCE:
            came = await self._post(question, encoding)
        return came

    async def _post(self, question: _Question, encoding: BasicEncoding) -> Came:
        client, request = question.client, question.request
        nonce = self._nonces.get(_origin(client.provider.endpoints.of(request)))
        asked = self._writer.post(client, request, question.members, encoding=encoding, nonce=nonce)
        shown = client.provider.auth_for(request) is ClientAuth.TLS
        certificate = proofs.present(client.secret) if shown else None
        return await self._send(asked, question.until, certificate)

    async def _look(self, client: Client, token: Sensitive, kind: str, until: float) -> Came:
        """Show a token; one that is bound to a certificate goes with it (RFC 8705, 3)."""
        nonce = self._nonces.get(_origin(client.provider.check_url))
        asked = self._writer.look(client, token, kind, nonce)
        shown = Proof.CERTIFICATE in client.provider.needs
        return await self._send(asked, until, client.secret if shown else None)

    async def _send(self, asked: Outgoing, until: float, certificate: Sensitive | None) -> Came:
        came = await self._sender.send(asked, until, certificate)
        if came.nonce:
            self._nonces.keep(_origin(asked.url), came.nonce)
        return came

    # --- addresses --------------------------------------------------------------------------------

    async def _read(self, url: str, until: float | None = None) -> Reply:
        self._require(url, "a document of an authorization server")
        came = await self._sender.send(Outgoing("GET", url, {}), until or self._until())
        return came.reply

    def _check_endpoints(self, endpoints: Endpoints) -> None:
        for name, url in endpoints.named.items():
            self._require(url, f"the {name} endpoint")

    def _require(self, url: str, whose: str) -> None:
        endpoint_url(url, whose, private_allowed=self._private_allowed)

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._call_limit_s


def _fault(reply: Reply) -> Fault | None:
    told = read_token_answer(reply)
    return told.fault if isinstance(told, NoTokens) else None


def _may_be_misspelt(reply: Reply) -> bool:
    """Say whether a reply is what servers answer to a Basic header that they cannot read.

    Some call the whole request invalid (RFC 6749, 5.2).
    """
    told = read_token_answer(reply)
    if not isinstance(told, NoTokens):
        return False
    wordless = told.status in {400, 401, 403} and not told.code
    return wordless or told.fault is Fault.CLIENT or told.code == "invalid_request"


def _spelling_key(question: _Question) -> tuple[str, str]:
    client = question.client
    return client.provider.endpoints.token, client.client_id


def _origin(url: str) -> str:
    """Return what a nonce is of (RFC 9449, 9): the server, by scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
