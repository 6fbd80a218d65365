"""Requests to authorization servers: what stands where.

Decides by one method how a client authenticates, never by two, and puts nothing secret of its own
into an address. Sends nothing.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode, urlsplit

from keyturn.adapters.oauth.proofs import Keys, client_secret, present
from keyturn.domain.oauth.answers import FORM
from keyturn.domain.oauth.provider import (
    GRANT_TYPES,
    BasicEncoding,
    ClientAuth,
    Part,
    Provider,
    RequestType,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.assertions import Assertions
from keyturn.jose.dpop import DpopKey
from keyturn.services.ports import Chance, Client, Clock, Members

PROVED = frozenset({*GRANT_TYPES, RequestType.PUSH})
"""What carries a DPoP proof: what brings tokens, or a code for some (RFC 9449, 5 and 10.1)."""


@dataclass(frozen=True)
class Outgoing:
    """One request as it goes out."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Writer:
    """Write requests; each assertion and each proof is a new one (RFC 7523, 3; RFC 9449, 4.2)."""

    clock: Clock
    chance: Chance
    keys: Keys = field(default_factory=Keys)

    def post(
        self,
        client: Client,
        request: RequestType,
        members: Members,
        *,
        encoding: BasicEncoding,
        nonce: str | None,
    ) -> Outgoing:
        """Return a request to an endpoint that there is.

        Raises InvalidInput where the client's secret or key cannot be one.
        """
        provider = client.provider
        url = _address(provider, request)
        told, proof = self._authenticated(client, request, encoding)
        form = _form(provider, request, members) | told
        headers = {**provider.extras_for(request, Part.HEADER), **proof}
        if client.dpop_key and request in PROVED:
            headers["DPoP"] = self._key(client.dpop_key).prove("POST", url, nonce=nonce)
        return Outgoing("POST", url, headers | {"Content-Type": FORM}, _encoded(form))

    def look(self, client: Client, token: Sensitive, kind: str, nonce: str | None) -> Outgoing:
        """Return a request by which a resource tells whether it takes a token. InvalidInput."""
        url = client.provider.check_url
        headers = {"Authorization": f"{kind} {token.reveal()}"}
        if kind == "DPoP" and client.dpop_key:
            key = self._key(client.dpop_key)
            headers["DPoP"] = key.prove("GET", url, nonce=nonce, token=token)
        return Outgoing("GET", url, headers)

    def _key(self, private_jwk: Sensitive) -> DpopKey:
        return DpopKey.parse(private_jwk, self.clock, self.chance)

    def _authenticated(
        self, client: Client, request: RequestType, encoding: BasicEncoding
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the form members and the headers that say who asks (RFC 6749, 2.3)."""
        named = {"client_id": client.client_id}
        match client.provider.auth_for(request):
            case ClientAuth.BASIC:
                secret = client_secret(client.secret)
                return {}, {"Authorization": basic(client.client_id, secret, encoding)}
            case ClientAuth.POST:
                return named | {"client_secret": client_secret(client.secret).reveal()}, {}
            case ClientAuth.SECRET_JWT:
                signing, secret = self._assertions(client, request), client_secret(client.secret)
                return named | signing.by_secret(client.client_id, secret), {}
            case ClientAuth.KEY_JWT:
                signing, key = self._assertions(client, request), present(client.secret)
                return named | signing.by_key(client.client_id, self.keys.read(key)), {}
            case _:  # nothing proves it here; by TLS, it is proved elsewhere (RFC 8705, 2)
                return named, {}

    def _assertions(self, client: Client, request: RequestType) -> Assertions:
        provider = client.provider
        return Assertions(
            provider.audience or provider.endpoints.of(request), self.clock, self.chance
        )


def basic(client_id: str, secret: Sensitive, encoding: BasicEncoding) -> str:
    """Return a Basic header; raw or, as RFC 6749 (2.3.1) wants it, each part encoded as a form."""
    pair = (client_id, secret.reveal())
    if encoding is not BasicEncoding.RAW:
        pair = (quote_plus(pair[0], errors="replace"), quote_plus(pair[1]))
    return "Basic " + b64encode(":".join(pair).encode(errors="replace")).decode()


Form = dict[str, str | tuple[str, ...]]


def _form(provider: Provider, request: RequestType, members: Members) -> Form:
    """Return what is asked; what a provider wants besides never stands in place of a member."""
    told: Form = {**provider.extras_for(request, Part.FORM)}
    if request is RequestType.PUSH:  # what is not pushed does not count (RFC 9126, 4)
        told |= provider.extras_for(RequestType.AUTHORIZE, Part.QUERY)
    if request in GRANT_TYPES:
        told |= {"grant_type": GRANT_TYPES[request], "resource": provider.resources}
    return told | {name: _plain(each) for name, each in members.items()}


def _plain(member: str | Sensitive | tuple[str, ...]) -> str | tuple[str, ...]:
    return member.reveal() if isinstance(member, Sensitive) else member


def _address(provider: Provider, request: RequestType) -> str:
    endpoint = provider.endpoints.of(request)
    extras = dict(provider.extras_for(request, Part.QUERY))
    if request is RequestType.PUSH:
        for pushed in provider.extras_for(RequestType.AUTHORIZE, Part.QUERY):
            extras.pop(pushed, None)
    if not extras:
        return endpoint
    return endpoint + ("&" if urlsplit(endpoint).query else "?") + urlencode(extras)


def _encoded(form: Form) -> bytes:
    """Encode a form; a member with several values is there several times (RFC 8707, 2)."""
    return urlencode(form, doseq=True, errors="replace").encode()
