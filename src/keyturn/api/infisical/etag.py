"""Answer a conditional read: 304 where the caller's copy is still what would be sent."""

import hashlib

from fastapi import Request, Response

from keyturn.wire.secrets import SecretAnswer, SecretsAnswer


def conditional(request: Request, answer: SecretAnswer | SecretsAnswer) -> Response:
    """Answer with a strong ETag, or with 304 and nothing where the request names it already.

    The tag is made of everything but the values: they are given by id and version, and a hash of a
    value that is easy to guess would tell it (RFC 9110, section 8.8.3).
    """
    told = answer.model_dump_json(
        exclude={"secret": {"secret_value"}, "secrets": {"__all__": {"secret_value"}}}
    )
    tag = f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
    named = request.headers.get("if-none-match", "")
    headers = {"ETag": tag}
    if tag in (one.strip().removeprefix("W/") for one in named.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
