"""Answer a conditional read: 304 where the caller's copy is still what would be sent."""

import hashlib
import re

from fastapi import Request, Response

from keyturn.domain.secret import Copy
from keyturn.wire.secrets import SecretAnswer, SecretsAnswer

_OPAQUE_TAG = re.compile(r'"[^"]*"')


def conditional(request: Request, answer: SecretAnswer | SecretsAnswer) -> Response:
    """Answer with a strong ETag, or with 304 and nothing where the request names it already."""
    tag, named = _tag(answer), _named(request)
    headers = {"ETag": tag}
    if named.strip() == "*" or tag in _OPAQUE_TAG.findall(named):
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


def copy_told(request: Request, answer: SecretAnswer | SecretsAnswer, *, shown: bool) -> Copy:
    """Tell what the request says of the copy that its sender holds."""
    named = _named(request)
    tags = _OPAQUE_TAG.findall(named)
    if not shown or named.strip() == "*":
        return Copy.WITHHELD
    if not tags:
        return Copy.UNSAID
    return Copy.THIS if _tag(answer) in tags else Copy.ANOTHER


def _tag(answer: SecretAnswer | SecretsAnswer) -> str:
    """Make the tag of everything but the values.

    They are given by id and version, and a hash of a value that is easy to guess would tell it
    (RFC 9110, section 8.8.3).
    """
    told = answer.model_dump_json(
        exclude={"secret": {"secret_value"}, "secrets": {"__all__": {"secret_value"}}}
    )
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def _named(request: Request) -> str:
    """Return the tags that the request names, to be compared weakly (RFC 9110, 13.1.2)."""
    return ",".join(request.headers.getlist("if-none-match"))
