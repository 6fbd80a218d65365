"""Log-in of workloads by JWTs of their platform, and the rules for it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from keyturn.wire.base import Instant, Text, Trimmed, Wire
from keyturn.wire.identities import TokenRules

JWT_MAX = 16_384
TEXT_MAX = 255
LIST_MAX = 50
PEM_MAX = 8192


def _listed(value: object) -> object:
    """Take a text with commas for a list, as Infisical's clients write it."""
    if not isinstance(value, str):
        return value
    return tuple(each.strip() for each in value.split(",") if each.strip())


Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=TEXT_MAX)]
Listed = Annotated[tuple[Text, ...], Field(max_length=LIST_MAX), BeforeValidator(_listed)]
"""A list, or a text with commas between its members."""
Claims = Annotated[dict[Text, Listed], Field(max_length=LIST_MAX)]
Pem = Annotated[str, Field(max_length=PEM_MAX)]
NoCertificate = Annotated[Literal[""], Field(description="Set KEYTURN_CA_FILE instead.")]


class JwtLogin(Wire):
    """An identity's id, and the JWT of the workload."""

    identity_id: Trimmed = Field(max_length=64)
    jwt: Trimmed = Field(max_length=JWT_MAX, repr=False)


class Bound(TokenRules):
    """What is asked of a JWT; one of audiences, subject and claims at least.

    In patterns ``*`` stands for any text. A claim inside of another is named by a JSON Pointer,
    such as ``/kubernetes.io/namespace``.
    """

    bound_issuer: Short = ""
    bound_audiences: Listed = ()
    bound_subject: Short = ""
    bound_claims: Claims = Field(default_factory=dict)


class ConfigureOidcAuth(Bound):
    """JWTs of an issuer that is found by OpenID Connect Discovery; it is the issuer by default."""

    oidc_discovery_url: Short
    ca_cert: NoCertificate = ""


class ConfigureJwtAuth(Bound):
    """JWTs whose keys are at an address, or given."""

    configuration_type: Literal["jwks", "static"] | None = None
    jwks_url: Short = ""
    jwks_ca_cert: NoCertificate = ""
    public_keys: Annotated[tuple[Pem, ...], Field(max_length=LIST_MAX)] = ()


class OidcAuth(ConfigureOidcAuth):
    """By which JWTs an identity logs in."""

    identity_id: str
    created_at: Instant
    updated_at: Instant


class JwtAuth(ConfigureJwtAuth):
    """By which JWTs an identity logs in."""

    identity_id: str
    created_at: Instant
    updated_at: Instant


class OidcAuthAnswer(Wire):
    """By which JWTs an identity logs in."""

    identity_oidc_auth: OidcAuth


class JwtAuthAnswer(Wire):
    """By which JWTs an identity logs in."""

    identity_jwt_auth: JwtAuth
