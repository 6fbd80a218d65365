"""Providers as documents: what a file says, or a request, of how a server is spoken to.

Decides which members there may be, and what each has to look like; all that is wrong is told at
once. The same document comes back out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import TypeVar

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.oauth.provider import (
    URL,
    BasicEncoding,
    ClientAuth,
    Endpoints,
    Extra,
    Part,
    Provider,
    RequestType,
)

E = TypeVar("E", bound=StrEnum)

TEXT_MAX = 2048
EXTRAS_MAX = 50
_HEADER = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
_PARAMETER = r"[!-~]{1,100}"
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[!\"$-~]{1,2040}"
_FORBIDDEN_HEADERS = frozenset(
    {"authorization", "content-length", "content-type", "cookie", "dpop", "host"}
    | {"connection", "transfer-encoding", "upgrade", "te"}
)
_RESERVED = frozenset(
    {"client_id", "client_secret", "client_assertion", "client_assertion_type", "code"}
    | {"code_challenge", "code_challenge_method", "code_verifier", "grant_type", "nonce"}
    | {"redirect_uri", "refresh_token", "response_type", "state", "token", "device_code"}
)
"""Parameters that the protocol itself decides on."""

ENDPOINTS: Mapping[str, str] = {
    "authorization": "authorization",
    "token": "token",
    "refresh": "refresh",
    "pushedAuthorization": "pushed_authorization",
    "deviceAuthorization": "device_authorization",
    "revocation": "revocation",
    "introspection": "introspection",
    "userinfo": "userinfo",
    "jwks": "jwks",
}
"""Endpoints by what a document calls them."""


def parse(document: Mapping[str, object]) -> Provider:
    """Return what a document describes. Raises InvalidInput, which names every member amiss."""
    return _Reader(document).provider()


def document_of(provider: Provider) -> Mapping[str, object]:
    """Return the document of a provider; what is as it is by itself is left out."""
    named = asdict(provider.endpoints)
    endpoints = {name: named[field] for name, field in ENDPOINTS.items() if named[field]}
    told: dict[str, object] = {
        "issuer": provider.issuer,
        "endpoints": endpoints,
        "auth": provider.auth.value,
        "authOn": {request.value: auth.value for request, auth in provider.auth_on},
        "basicEncoding": provider.basic_encoding.value,
        "scopeDelimiter": provider.scope_delimiter,
        "pkce": provider.pkce,
        "dpop": provider.dpop,
        "push": provider.push,
        "issPromised": provider.iss_promised,
        "revokeReplaced": provider.revoke_replaced,
        "audience": provider.audience,
        "resources": [*provider.resources],
        "extras": [_extra(each) for each in provider.extras],
        "checkUrl": provider.check_url,
    }
    plain = _PLAIN
    return {name: value for name, value in told.items() if value != plain.get(name)}


_PLAIN: Mapping[str, object] = {
    "issuer": "",
    "endpoints": {},
    "auth": ClientAuth.BASIC.value,
    "authOn": {},
    "basicEncoding": BasicEncoding.RFC6749.value,
    "scopeDelimiter": " ",
    "pkce": True,
    "dpop": False,
    "push": False,
    "issPromised": False,
    "revokeReplaced": False,
    "audience": "",
    "resources": [],
    "extras": [],
    "checkUrl": "",
}
"""What every member is where a document is silent."""


def _extra(extra: Extra) -> Mapping[str, str]:
    on = {"on": extra.on.value} if extra.on else {}
    return {**on, "in": extra.part.value, "name": extra.name, "value": extra.value}


class _Reader:
    """Read a document, and gather what is wrong with it."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._told = {**_PLAIN, **document}
        self._problems = [
            FieldProblem((name,), "is no member of a provider")
            for name in document
            if name not in _PLAIN
        ]

    def provider(self) -> Provider:
        """Return the provider. Raises InvalidInput."""
        made = Provider(
            endpoints=self._endpoints(),
            issuer=self._url("issuer"),
            auth=self._member("auth", self._told["auth"], ClientAuth),
            auth_on=self._auth_on(),
            basic_encoding=self._member(
                "basicEncoding", self._told["basicEncoding"], BasicEncoding
            ),
            scope_delimiter=self._text("scopeDelimiter", r"[ ,;|+]{1,2}", "must be one of ,;|+ "),
            pkce=self._flag("pkce"),
            dpop=self._flag("dpop"),
            push=self._flag("push"),
            iss_promised=self._flag("issPromised"),
            revoke_replaced=self._flag("revokeReplaced"),
            audience=self._text("audience", r"[!-~]{0,2048}", "must be an address or a name"),
            resources=self._resources(),
            extras=self._extras(),
            check_url=self._url("checkUrl"),
        )
        if self._problems:
            raise InvalidInput(*self._problems)
        return made

    def _wrong(self, name: str, rule: str) -> None:
        self._problems.append(FieldProblem(tuple(name.split(".")), rule))

    def _url(self, name: str, told: object = None) -> str:
        """Return an address; whether anything may be sent there is decided where it is sent."""
        url = self._told.get(name) if told is None else told
        if isinstance(url, str) and re.fullmatch(rf"({URL})?", url):
            return url
        self._wrong(name, "must be https://HOST/PATH, without a fragment")
        return ""

    def _text(self, name: str, pattern: str, rule: str) -> str:
        told = self._told[name]
        if isinstance(told, str) and re.fullmatch(pattern, told):
            return told
        self._wrong(name, rule)
        return ""

    def _flag(self, name: str) -> bool:
        told = self._told[name]
        if not isinstance(told, bool):
            self._wrong(name, "must be true or false")
        return told is True

    def _member(self, name: str, told: object, kind: type[E]) -> E:
        """Return the member of this value; where there is none, any, as the document is refused."""
        for each in kind:
            if each.value == told:
                return each
        self._wrong(name, f"must be one of {', '.join(kind)}")
        return next(iter(kind))

    def _mapping(self, name: str) -> Mapping[str, object]:
        told = self._told[name]
        if isinstance(told, dict) and all(isinstance(each, str) for each in told):
            return told
        self._wrong(name, "must be an object")
        return {}

    def _list(self, name: str) -> list[object]:
        told = self._told[name]
        if isinstance(told, list | tuple) and len(told) <= EXTRAS_MAX:
            return [*told]
        self._wrong(name, f"must be a list of at most {EXTRAS_MAX}")
        return []

    def _endpoints(self) -> Endpoints:
        found = {}
        for name, url in self._mapping("endpoints").items():
            if name not in ENDPOINTS:
                self._wrong(f"endpoints.{name}", f"must be one of {', '.join(ENDPOINTS)}")
                continue
            found[ENDPOINTS[name]] = self._url(f"endpoints.{name}", url)
        return Endpoints(**found)

    def _auth_on(self) -> tuple[tuple[RequestType, ClientAuth], ...]:
        return tuple(
            (
                self._member(f"authOn.{name}", name, RequestType),
                self._member(f"authOn.{name}", told, ClientAuth),
            )
            for name, told in self._mapping("authOn").items()
        )

    def _resources(self) -> tuple[str, ...]:
        """Return whom tokens are for: absolute URIs of any scheme (RFC 8707, 2)."""
        listed = self._list("resources")
        found = tuple(each for each in listed if isinstance(each, str) and re.fullmatch(_URI, each))
        if len(found) < len(listed):
            self._wrong("resources", "must be absolute URIs, without a fragment")
        return found

    def _extras(self) -> tuple[Extra, ...]:
        read: Callable[[int, object], Extra | None] = self._read_extra
        found = (read(number, told) for number, told in enumerate(self._list("extras")))
        return tuple(each for each in found if each)

    def _read_extra(self, number: int, told: object) -> Extra | None:
        at = f"extras.{number}"
        if not isinstance(told, dict) or not {"in", "name", "value"} <= told.keys() <= _OF_EXTRA:
            self._wrong(at, "must have in, name and value, and may have on")
            return None
        part = self._member(f"{at}.in", told["in"], Part)
        on = self._member(f"{at}.on", told["on"], RequestType) if told.get("on") else None
        name, value = told["name"], told["value"]
        self._require_sendable(at, part, name, value)
        return Extra(part, str(name), str(value), on)

    def _require_sendable(self, at: str, part: Part, name: object, value: object) -> None:
        """Note where a parameter cannot be sent, or is the protocol's own."""
        pattern = _HEADER if part is Part.HEADER else _PARAMETER
        taken = _FORBIDDEN_HEADERS if part is Part.HEADER else _RESERVED
        if not isinstance(name, str) or not re.fullmatch(pattern, name) or name.lower() in taken:
            self._wrong(f"{at}.name", "must be a parameter that OAuth itself does not decide on")
        if not isinstance(value, str) or not re.fullmatch(rf"[ -~]{{0,{TEXT_MAX}}}", value):
            self._wrong(f"{at}.value", f"must be at most {TEXT_MAX} of ASCII's characters")


_OF_EXTRA = frozenset({"on", "in", "name", "value"})
