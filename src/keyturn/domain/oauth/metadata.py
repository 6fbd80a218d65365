"""What an authorization server says of itself (RFC 8414; OpenID Connect Discovery 1.0).

Decides which documents are believed: only one that names the very issuer that was asked for, and
whose endpoints are the issuer's own, unless others were allowed.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.oauth.provider import URL, Endpoints

_MEMBERS: Mapping[str, str] = {
    "authorization_endpoint": "authorization",
    "token_endpoint": "token",
    "pushed_authorization_request_endpoint": "pushed_authorization",
    "device_authorization_endpoint": "device_authorization",
    "revocation_endpoint": "revocation",
    "introspection_endpoint": "introspection",
    "userinfo_endpoint": "userinfo",
    "jwks_uri": "jwks",
}


@dataclass(frozen=True)
class Metadata:
    """What was read, and at which address."""

    issuer: str
    read_at: str
    endpoints: Endpoints
    iss_promised: bool = False
    pushing_required: bool = False
    auths: frozenset[str] = frozenset()
    """How clients may authenticate at the token endpoint; empty where nothing is said."""


def well_known(issuer: str) -> Sequence[str]:
    """Return where the metadata of an issuer may be, the address of RFC 8414 (3.1) first.

    It stands before the issuer's path there, and OpenID Connect (Discovery, 4.1) appends it.
    Raises InvalidInput where this can be no issuer's name (RFC 8414, 2).
    """
    if not _url(issuer) or "?" in issuer:
        raise _wrong("must be https://HOST or https://HOST/PATH, and nothing behind that")
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    found = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}{path}/.well-known/oauth-authorization-server",
    )
    return tuple(dict.fromkeys(found))


def read_metadata(
    document: Mapping[str, object], issuer: str, read_at: str, *, foreign: Collection[str] = ()
) -> Metadata:
    """Return what a document says; ``foreign`` are hosts that endpoints may be at besides.

    Raises InvalidInput where it is another issuer's, byte for byte (RFC 8414, 3.3), and where an
    endpoint is somebody else's.
    """
    if document.get("issuer") != issuer:
        raise _wrong("the document there is of another issuer, or of this one in another spelling")
    found = {field: _url(document.get(member)) for member, field in _MEMBERS.items()}
    hosts = {urlsplit(issuer).hostname, *foreign}
    for field, url in found.items():
        if url and urlsplit(url).hostname not in hosts:
            raise _wrong(f"its {field} endpoint is at another host: name that host as allowed")
    return Metadata(
        issuer,
        read_at,
        Endpoints(**found),
        iss_promised=document.get("authorization_response_iss_parameter_supported") is True,
        pushing_required=document.get("require_pushed_authorization_requests") is True,
        auths=_texts(document.get("token_endpoint_auth_methods_supported")),
    )


def _url(told: object) -> str:
    """Return an endpoint; one without a host, with credentials or of another scheme is none."""
    if not isinstance(told, str) or not re.fullmatch(URL, told):
        return ""
    try:
        parts = urlsplit(told)
    except ValueError:
        return ""
    return told if parts.hostname and parts.username is None else ""


def _texts(told: object) -> frozenset[str]:
    listed = told if isinstance(told, list) else ()
    return frozenset(each for each in listed if isinstance(each, str))


def _wrong(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("issuer",), rule))
