"""Answer a conditional read: 304 where the caller's copy is still what would be sent."""

import hashlib
import re

from fastapi import Request, Response

from keyturn.wire.secrets import SecretAnswer, SecretsAnswer

_OPAQUE_TAG = re.compile(r'"[^"]*"')


def conditional(request: Request, answer: SecretAnswer | SecretsAnswer) -> Response:
    """Answer with a strong ETag, or with 304 and nothing where the request names it already.

    The tag is made of everything but the values: they are given by id and version, and a hash of a
    value that is easy to guess would tell it (RFC 9110, section 8.8.3).
    """
    told = answer.model_dump_json(
        exclude={"secret": {"secret_value"}, "secrets": {"__all__": {"secret_value"}}}
    )
    tag = f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag}
    if _names(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


def _names(request: Request, tag: str) -> bool:
    """Compare weakly with a list of tags, or with ``*``, which is any (RFC 9110, 13.1.2)."""
    named = ",".join(request.headers.getlist("if-none-match"))
    return named.strip() == "*" or tag in _OPAQUE_TAG.findall(named)
