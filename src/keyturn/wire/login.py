"""Log-in by universal auth, and what becomes of the token that it gives."""

from typing import Literal

from pydantic import Field

from keyturn.wire.base import Trimmed, Wire


class Login(Wire):
    """An identity's own client id and client secret."""

    client_id: Trimmed = Field(max_length=64)
    client_secret: Trimmed = Field(max_length=256, repr=False)


class LoggedIn(Wire):
    """An access token and the seconds that it lives."""

    access_token: str = Field(repr=False)
    expires_in: int
    access_token_max_ttl: int = Field(
        validation_alias="accessTokenMaxTTL", serialization_alias="accessTokenMaxTTL"
    )
    token_type: Literal["Bearer"] = "Bearer"


class TokenGiven(Wire):
    """An access token that its holder has something done with."""

    access_token: Trimmed = Field(max_length=256, repr=False)


class Revoked(Wire):
    """The token is good for nothing any more."""

    message: str = "The access token is revoked."
