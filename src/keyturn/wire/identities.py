"""Identities, the roles that they hold, and by what they log in."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from keyturn.wire.base import Instant, Text, Whole, Wire

NAME_MAX = 64
TTL_MAX_S = 315_360_000
MONTH_S = 2_592_000
COUNT_MAX = 2**31 - 1
NETWORKS_MAX = 50
ROLES_MAX = 20

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_MAX)]
Slug = Annotated[str, StringConstraints(strip_whitespace=True, max_length=NAME_MAX)]
Life = Annotated[Whole, Field(ge=1, le=TTL_MAX_S)]
"""A length of time in seconds."""
Count = Annotated[Whole, Field(ge=0, le=COUNT_MAX)]
"""How often; 0 is any number."""


class CreateIdentity(Wire):
    """An identity to make; ``role`` is held in every project."""

    name: Name
    role: Slug = ""
    organization_id: Text | None = None


class UpdateIdentity(Wire):
    """What to change of an identity; the role "no-access" takes away the one held everywhere."""

    name: Name | None = None
    role: Slug | None = None


class IdentityRef(Wire):
    """An identity by its name."""

    id: str
    name: str
    auth_methods: tuple[str, ...]


class HeldRole(Wire):
    """A role that is held; ``projectId`` is null for one held in every project."""

    id: str
    role: str
    project_id: str | None
    is_temporary: Literal[False] = False


class Identity(Wire):
    """An identity; ``role`` is the one that it holds in every project, or "no-access".

    ``identity`` repeats it where Infisical's clients look.
    """

    id: str
    name: str
    org_id: str
    role: str
    roles: tuple[HeldRole, ...]
    auth_methods: tuple[str, ...]
    person: bool
    created_at: Instant
    updated_at: Instant
    identity: IdentityRef


class IdentityAnswer(Wire):
    """One identity."""

    identity: Identity


class IdentitiesAnswer(Wire):
    """The identities of the organization."""

    identities: tuple[Identity, ...]
    total_count: int


class RoleAsked(Wire):
    """A role by its slug; none is held for a time alone."""

    role: Text
    is_temporary: Literal[False] | None = None


class MemberAsked(Wire):
    """The roles that an identity is to hold in a project: ``roles``, or a single ``role``."""

    roles: Annotated[tuple[RoleAsked, ...], Field(max_length=ROLES_MAX)] | None = None
    role: Text | None = None

    @property
    def slugs(self) -> tuple[str, ...]:
        """Return the slugs, however they are spelled."""
        if self.roles is not None:
            return tuple(each.role for each in self.roles)
        return (self.role,) if self.role else ()


class Member(Wire):
    """An identity, and the roles that it holds in a project."""

    id: str
    identity_id: str
    project_id: str
    created_at: Instant
    updated_at: Instant
    roles: tuple[HeldRole, ...]
    identity: IdentityRef


class MemberAnswer(Wire):
    """One identity of a project."""

    identity_membership: Member


class MembersAnswer(Wire):
    """The identities of a project."""

    identity_memberships: tuple[Member, ...]


class RolesAnswer(Wire):
    """The roles that an identity holds in a project now."""

    roles: tuple[HeldRole, ...]


class TrustedIp(Wire):
    """An IP address or a network."""

    ip_address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]


Networks = Annotated[tuple[TrustedIp, ...], Field(max_length=NETWORKS_MAX)]


class TokenRules(Wire):
    """What the tokens of an identity are like; both of "0.0.0.0/0" and "::/0" is everywhere."""

    access_token_ttl: Life = Field(
        default=MONTH_S, validation_alias="accessTokenTTL", serialization_alias="accessTokenTTL"
    )
    access_token_max_ttl: Life = Field(
        default=MONTH_S,
        validation_alias="accessTokenMaxTTL",
        serialization_alias="accessTokenMaxTTL",
    )
    access_token_num_uses_limit: Count = 0
    access_token_trusted_ips: Networks = ()


class ConfigureUniversalAuth(TokenRules):
    """The rules by which an identity logs in; what a change leaves out stays as it is."""

    client_secret_trusted_ips: Networks = ()
    lockout_enabled: bool = True
    lockout_threshold: Annotated[Whole, Field(ge=1, le=30)] = 3
    lockout_duration_seconds: Annotated[Whole, Field(ge=30, le=86_400)] = 300
    lockout_counter_reset_seconds: Annotated[Whole, Field(ge=5, le=3600)] = 30


class UniversalAuth(ConfigureUniversalAuth):
    """The client id of an identity, and the rules by which it logs in."""

    id: str
    identity_id: str
    client_id: str
    access_token_period: Literal[0] = 0
    created_at: Instant
    updated_at: Instant
    locked_until: Instant | None = None


class UniversalAuthAnswer(Wire):
    """By what an identity logs in."""

    identity_universal_auth: UniversalAuth


class ClearedAnswer(Wire):
    """How many lockouts were ended."""

    deleted: int


class CreateClientSecret(Wire):
    """A client secret to make; ``ttl`` in seconds, 0 is without an end."""

    description: Annotated[str, Field(max_length=256)] = ""
    num_uses_limit: Count = 0
    ttl: Annotated[Whole, Field(ge=0, le=TTL_MAX_S)] = 0


class ClientSecret(Wire):
    """What is known of a client secret, its value aside."""

    id: str
    description: str
    client_secret_prefix: str
    client_secret_num_uses: int
    client_secret_num_uses_limit: int
    client_secret_ttl: int = Field(
        validation_alias="clientSecretTTL", serialization_alias="clientSecretTTL"
    )
    is_client_secret_revoked: bool
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None


class NewClientSecretAnswer(Wire):
    """A new client secret; its value is told this once."""

    client_secret: str = Field(repr=False)
    client_secret_data: ClientSecret


class ClientSecretAnswer(Wire):
    """One client secret."""

    client_secret_data: ClientSecret


class ClientSecretsAnswer(Wire):
    """The client secrets of an identity."""

    client_secret_data: tuple[ClientSecret, ...]


class CreateToken(TokenRules):
    """A token to make for an identity by hand."""

    name: Annotated[str, Field(max_length=NAME_MAX)] = ""


class Token(Wire):
    """What is known of a token, its value aside."""

    id: str
    name: str
    identity_id: str
    auth_method: str
    access_token_num_uses: int
    access_token_num_uses_limit: int
    access_token_trusted_ips: tuple[TrustedIp, ...]
    created_at: Instant
    expires_at: Instant
    renewable_until: Instant


class NewTokenAnswer(Wire):
    """A new token; its value is told this once."""

    access_token: str = Field(repr=False)
    expires_in: int
    access_token_max_ttl: int = Field(
        validation_alias="accessTokenMaxTTL", serialization_alias="accessTokenMaxTTL"
    )
    token_type: Literal["Bearer"] = "Bearer"
    token_data: Token


class TokensAnswer(Wire):
    """The tokens of an identity."""

    tokens: tuple[Token, ...]


class TokenAnswer(Wire):
    """The token that was revoked."""

    token: Token
