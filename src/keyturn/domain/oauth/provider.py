"""Providers: how an authorization server wants to be spoken to.

Decides which documents describe one, so that what a server does differently is written down instead
of programmed. Knows nothing of how a request is sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from urllib.parse import urlsplit

URL = r"https?://[!\"$-~]{1,2040}"
"""How an address looks that something can be asked at: without a fragment."""


class RequestType(StrEnum):
    """What is asked of an authorization server; those with a grant type are called by it."""

    AUTHORIZE = "authorize"
    PUSH = "pushed_authorization"
    CODE = "authorization_code"
    REFRESH = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE = "device_authorization"
    DEVICE_CODE = "device_code"
    JWT_BEARER = "jwt_bearer"
    EXCHANGE = "token_exchange"
    PASSWORD = "password"
    REVOKE = "revoke"
    INTROSPECT = "introspect"


GRANT_TYPES: Mapping[RequestType, str] = {
    RequestType.CODE: "authorization_code",
    RequestType.REFRESH: "refresh_token",
    RequestType.CLIENT_CREDENTIALS: "client_credentials",
    RequestType.DEVICE_CODE: "urn:ietf:params:oauth:grant-type:device_code",
    RequestType.JWT_BEARER: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    RequestType.EXCHANGE: "urn:ietf:params:oauth:grant-type:token-exchange",
    RequestType.PASSWORD: "password",
}
"""The ``grant_type`` of each token request (RFC 6749, 8628, 7523, 8693)."""


class ClientAuth(StrEnum):
    """How a client proves who it is, by its name in metadata (RFC 8414, 2; RFC 8705, 2.1.1)."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    SECRET_JWT = "client_secret_jwt"
    KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"

    @property
    def needs(self) -> "Proof | None":
        """Return what it takes."""
        return _NEEDS.get(self)


class Proof(StrEnum):
    """What a client authenticates with."""

    SECRET = "client secret"
    KEY = "private key"
    CERTIFICATE = "certificate with its private key"


_NEEDS: Mapping[ClientAuth, Proof] = {
    ClientAuth.BASIC: Proof.SECRET,
    ClientAuth.POST: Proof.SECRET,
    ClientAuth.SECRET_JWT: Proof.SECRET,
    ClientAuth.KEY_JWT: Proof.KEY,
    ClientAuth.TLS: Proof.CERTIFICATE,
}


class BasicEncoding(StrEnum):
    """How id and secret stand in a Basic header."""

    RFC6749 = "rfc6749"
    """Form-encoded before they are joined (RFC 6749, 2.3.1)."""
    RAW = "raw"
    """As they are, as some servers and most libraries have it."""
    AUTO = "auto"
    """As the RFC says, and as they are where that was refused and would differ."""


class Part(StrEnum):
    """Which part of a request carries an extra parameter."""

    QUERY = "query"
    FORM = "form"
    HEADER = "header"


@dataclass(frozen=True)
class Extra:
    """A parameter that a server wants beside what the RFCs name; ``on`` None is every request.

    ``value`` may be a reference to a secret, as values of secrets themselves can be.
    """

    part: Part
    name: str
    value: str = field(repr=False)
    on: RequestType | None = None


@dataclass(frozen=True)
class Endpoints:
    """Where a server is asked what (RFC 8414, 2); what is empty it does not have.

    ``refresh`` is where refresh tokens are used, where that is not ``token``.
    """

    authorization: str = ""
    token: str = ""
    refresh: str = ""
    pushed_authorization: str = ""
    device_authorization: str = ""
    revocation: str = ""
    introspection: str = ""
    userinfo: str = ""
    jwks: str = ""

    @property
    def named(self) -> Mapping[str, str]:
        """Return those that there are, by name."""
        return {each.name: url for each in fields(self) if (url := getattr(self, each.name))}

    def of(self, request: RequestType) -> str:
        """Return where a request of this type goes; empty where the server does not take it."""
        match request:
            case RequestType.AUTHORIZE:
                return self.authorization
            case RequestType.PUSH:
                return self.pushed_authorization
            case RequestType.DEVICE:
                return self.device_authorization
            case RequestType.REVOKE:
                return self.revocation
            case RequestType.INTROSPECT:
                return self.introspection
            case RequestType.REFRESH:
                return self.refresh or self.token
            case _:
                return self.token


@dataclass(frozen=True)
class Provider:
    """How one authorization server is spoken to.

    ``auth`` is how clients authenticate, ``auth_on`` where a type of request wants it otherwise.
    ``push`` sends what is asked of a person ahead, past the browser (RFC 9126).
    ``iss_promised`` says that callbacks carry ``iss`` (RFC 9207); ``audience`` is whom client
    assertions are addressed to, or, as Okta wants it, the endpoint that is asked.
    ``revoke_replaced`` says that each authorization stands by itself: revoking the one before does
    not end the one that took its place, as it does elsewhere. ``check_url`` answers 2xx to a good
    access token and 401 to any other; it is asked where nothing else tells how long one lasts.
    """

    endpoints: Endpoints = field(default_factory=Endpoints)
    issuer: str = ""
    auth: ClientAuth = ClientAuth.BASIC
    auth_on: tuple[tuple[RequestType, ClientAuth], ...] = ()
    basic_encoding: BasicEncoding = BasicEncoding.RFC6749
    scope_delimiter: str = " "
    pkce: bool = True
    dpop: bool = False
    push: bool = False
    iss_promised: bool = False
    revoke_replaced: bool = False
    audience: str = ""
    resources: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    check_url: str = ""

    def auth_for(self, request: RequestType) -> ClientAuth:
        """Return how a client authenticates in a request of this type."""
        return dict(self.auth_on).get(request, self.auth)

    @property
    def hosts(self) -> frozenset[str]:
        """Return where anything is sent: by scheme, host and port."""
        parts = (urlsplit(each) for each in (*self.endpoints.named.values(), self.check_url))
        return frozenset(f"{each.scheme}://{each.netloc.lower()}" for each in parts if each.netloc)

    @property
    def needs(self) -> frozenset[Proof]:
        """Return all that its clients authenticate with."""
        methods = (self.auth, *(auth for _, auth in self.auth_on))
        return frozenset(method.needs for method in methods if method.needs)

    def extras_for(self, request: RequestType, part: Part) -> Mapping[str, str]:
        """Return what a request of this type carries besides; what is said of it alone wins."""
        fitting = [each for each in self.extras if each.part is part and each.on in (None, request)]
        fitting.sort(key=lambda each: each.on is not None)
        return {each.name: each.value for each in fitting}

    def scope(self, scopes: tuple[str, ...]) -> str:
        """Return scopes as the server writes them."""
        return self.scope_delimiter.join(scopes)

    def scopes(self, told: str) -> tuple[str, ...]:
        """Return the scopes of an answer, each once; some servers answer in another spelling.

        Scopes are printable ASCII without white space (RFC 6749, 3.3): they are parted by any, and
        what is anything else is none.
        """
        parts = told.replace(self.scope_delimiter, " ").split()
        return tuple(dict.fromkeys(each for each in parts if re.fullmatch(r"[!-~]+", each)))
