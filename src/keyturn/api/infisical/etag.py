"""Answer a conditional read: 304 where the caller's copy is still what would be sent."""

import hashlib
import re
from collections.abc import Sequence

from fastapi import Request, Response
from pydantic.main import IncEx

from keyturn.domain.secret import Copy
from keyturn.wire.secrets import SecretAnswer, SecretsAnswer

_OPAQUE_TAG = re.compile(r'"[^"]*"')

_EACH: IncEx = {"__all__": {"secret_value": True}}
_VALUES: IncEx = {
    "secret": {"secret_value": True},
    "secrets": _EACH,
    "imports": {"__all__": {"secrets": _EACH}},
}


def conditional(
    request: Request, answer: SecretAnswer | SecretsAnswer, made_of: Sequence[str] = ()
) -> Response:
    """Answer with a strong ETag, or with 304 and nothing where the request names it already."""
    tag = tag_of(answer, made_of)
    headers = {"ETag": tag}
    if names_tag(named_by(request), tag):
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


def tag_of(answer: SecretAnswer | SecretsAnswer, made_of: Sequence[str] = ()) -> str:
    """Return the strong ETag of an answer (RFC 9110, section 8.8.3).

    It is made of everything but the values: they are given by id and version, and by the ids of the
    versions that went into them by reference; a hash of a value that is easy to guess would tell
    it.
    """
    told = "\n".join((answer.model_dump_json(exclude=_VALUES), *made_of))
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def named_by(request: Request) -> str:
    """Return the tags that a request names."""
    return ",".join(request.headers.getlist("if-none-match"))


def names_tag(named: str, tag: str) -> bool:
    """Compare weakly with a list of tags, or with ``*``, which is any (RFC 9110, 13.1.2)."""
    return named.strip() == "*" or tag in _OPAQUE_TAG.findall(named)


def copy_told(named: str, tag: str, *, shown: bool) -> Copy:
    """Tell what the tags that a request names say of the copy that its sender holds."""
    tags = _OPAQUE_TAG.findall(named)
    if not shown or named.strip() == "*":
        return Copy.WITHHELD
    if not tags:
        return Copy.UNSAID
    return Copy.THIS if tag in tags else Copy.ANOTHER
