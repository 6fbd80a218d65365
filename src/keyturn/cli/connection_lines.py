"""How connections look at a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keyturn.cli import output

if TYPE_CHECKING:
    from keyturn.wire.oauth_connections import OAuthConnection
    from keyturn.wire.usage import UsedConnection

AUTHORIZED = ("authorization_code", "device_code")
"""The grants that somebody consents to."""


def show_connection(one: "OAuthConnection", *, as_json: bool) -> None:
    """Print a connection."""
    output.show(one.model_dump(mode="json"), lines_of(one), as_json=as_json)


def lines_of(one: "OAuthConnection") -> list[str]:
    """Render a connection."""
    where = f"{one.environment}{one.secret_path}"
    facts = {
        "description": one.description,
        "registration": one.registration_name,
        "health": health_of(one),
        "because": " ".join(one.reasons),
        "wanted": " ".join(one.scopes),
        "granted": " ".join(one.granted),
        "lacking": " ".join(one.lacking),
        "authorized": _author(one),
        "token until": output.moment(one.expires_at) if one.expires_at else "",
        "last used": output.moment(one.used_at) if one.used_at else "",
        "aliases": ", ".join(one.aliases),
    }
    return [
        f"connection {one.name} ({one.id}), {one.grant_type}, of {where}",
        *(f"  {name:<12}  {output.printable(told)}" for name, told in facts.items() if told),
        *_next(one),
    ]


def _author(one: "OAuthConnection") -> str:
    by = f"by {one.subject}, " if one.subject else ""
    return f"{by}{output.moment(one.authorized_at)}" if one.authorized_at else ""


def _next(one: "OAuthConnection") -> Iterable[str]:
    if one.grant_type in AUTHORIZED and one.state in {"new", "lapsed"}:
        yield f"Next: keyturn connection authorize {one.name}"


def health_of(one: "OAuthConnection | UsedConnection") -> str:
    """Say how a connection does, and when it will fail."""
    fails = f", fails {output.moment(one.fails_at)}" if one.fails_at else ""
    return one.light.replace("_", " ") + fails


def row_of(one: "OAuthConnection") -> list[str]:
    """Render a connection as a row of `keyturn connection list`."""
    return [
        one.name,
        one.registration_name,
        f"{one.environment}{one.secret_path}",
        one.grant_type,
        health_of(one),
        ", ".join(one.aliases),
        one.id,
    ]
