"""Who may use the server: identities, by what they log in, and what they hold, as typed calls."""

from keyturn.client.calls import Calls, part
from keyturn.wire.identities import (
    ClientSecret,
    ClientSecretAnswer,
    ClientSecretsAnswer,
    ConfigureUniversalAuth,
    CreateClientSecret,
    CreateIdentity,
    CreateToken,
    IdentitiesAnswer,
    Identity,
    IdentityAnswer,
    Member,
    MemberAnswer,
    MemberAsked,
    MembersAnswer,
    NewClientSecretAnswer,
    NewTokenAnswer,
    RoleAsked,
    RolesAnswer,
    Token,
    TokenAnswer,
    TokensAnswer,
    UniversalAuth,
    UniversalAuthAnswer,
    UpdateIdentity,
)
from keyturn.wire.people import CreatePerson, PasswordAnswer, SetPassword
from keyturn.wire.roles import (
    CreateRole,
    ExplainAnswer,
    ExplainQuery,
    Role,
    RoleAnswer,
    UpdateRole,
)
from keyturn.wire.roles import (
    RolesAnswer as RolesOffered,
)

EXPLAIN = "/api/v1/access/explain"
IDENTITIES = "/api/v1/identities"
UNIVERSAL_AUTH = "/api/v1/auth/universal-auth/identities"
TOKEN_AUTH = "/api/v1/auth/token-auth"
PEOPLE = "/api/v1/people"
PROJECTS = "/api/v1/projects"


class AccessCalls(Calls):
    """What the API can be asked about callers. Every call raises what `Calls` says."""

    async def list_identities(self) -> tuple[Identity, ...]:
        """List the identities of the organization, people and machines."""
        return (await self.call(IdentitiesAnswer, "GET", IDENTITIES)).identities

    async def create_identity(self, body: CreateIdentity) -> Identity:
        """Create an identity, which cannot log in yet."""
        return (await self.call(IdentityAnswer, "POST", IDENTITIES, body=body)).identity

    async def update_identity(self, identity_id: str, body: UpdateIdentity) -> Identity:
        """Change an identity; what the body does not name stays as it is."""
        path = f"{IDENTITIES}/{part(identity_id)}"
        return (await self.call(IdentityAnswer, "PATCH", path, body=body)).identity

    async def delete_identity(self, identity_id: str) -> Identity:
        """Delete an identity with all by which it could log in."""
        path = f"{IDENTITIES}/{part(identity_id)}"
        return (await self.call(IdentityAnswer, "DELETE", path)).identity

    async def create_person(self, body: CreatePerson) -> Identity:
        """Create a person, who logs in by an e-mail address and a password."""
        return (await self.call(IdentityAnswer, "POST", PEOPLE, body=body)).identity

    async def set_password(self, identity_id: str, body: SetPassword) -> PasswordAnswer:
        """Set a person's password anew; whoever was logged in by it is no longer."""
        path = f"{PEOPLE}/{part(identity_id)}/password"
        return await self.call(PasswordAnswer, "PUT", path, body=body)

    # --- roles in a project -----------------------------------------------------------------

    async def list_members(self, project: str) -> tuple[Member, ...]:
        """List the identities that hold a role in a project itself."""
        answer = await self.call(MembersAnswer, "GET", f"{PROJECTS}/{part(project)}/{_MEMBERS}")
        return answer.identity_memberships

    async def add_member(self, project: str, identity_id: str, *roles: str) -> Member:
        """Give roles in a project to an identity that holds none there."""
        path = _member(project, identity_id)
        return (await self.call(MemberAnswer, "POST", path, body=_roles(roles))).identity_membership

    async def change_member(self, project: str, identity_id: str, *roles: str) -> RolesAnswer:
        """Let an identity hold these roles in a project and no others."""
        path = _member(project, identity_id)
        return await self.call(RolesAnswer, "PATCH", path, body=_roles(roles))

    async def remove_member(self, project: str, identity_id: str) -> Member:
        """Take every role in a project from an identity."""
        path = _member(project, identity_id)
        return (await self.call(MemberAnswer, "DELETE", path)).identity_membership

    # --- universal auth ---------------------------------------------------------------------

    async def read_universal_auth(self, identity_id: str) -> UniversalAuth:
        """Read the client id of an identity, and the rules by which it logs in."""
        answer = await self.call(UniversalAuthAnswer, "GET", _universal(identity_id))
        return answer.identity_universal_auth

    async def configure_universal_auth(
        self, identity_id: str, body: ConfigureUniversalAuth, *, anew: bool
    ) -> UniversalAuth:
        """Set the rules by which an identity logs in: ``anew``, or only those that are named."""
        method = "POST" if anew else "PATCH"
        answer = await self.call(UniversalAuthAnswer, method, _universal(identity_id), body=body)
        return answer.identity_universal_auth

    async def clear_lockout(self, identity_id: str) -> None:
        """Let an identity that is locked out try again at once."""
        await self.answer("POST", f"{_universal(identity_id)}/clear-lockouts")

    async def create_client_secret(
        self, identity_id: str, body: CreateClientSecret
    ) -> NewClientSecretAnswer:
        """Make a client secret; its value is told this once."""
        path = f"{_universal(identity_id)}/client-secrets"
        return await self.call(NewClientSecretAnswer, "POST", path, body=body)

    async def list_client_secrets(self, identity_id: str) -> tuple[ClientSecret, ...]:
        """List the client secrets of an identity, without their values."""
        path = f"{_universal(identity_id)}/client-secrets"
        return (await self.call(ClientSecretsAnswer, "GET", path)).client_secret_data

    async def revoke_client_secret(self, identity_id: str, secret_id: str) -> ClientSecret:
        """End a client secret, and every token that came of it."""
        path = f"{_universal(identity_id)}/client-secrets/{part(secret_id)}/revoke"
        return (await self.call(ClientSecretAnswer, "POST", path)).client_secret_data

    # --- tokens -----------------------------------------------------------------------------

    async def create_token(self, identity_id: str, body: CreateToken) -> NewTokenAnswer:
        """Make a token for an identity; its value is told this once."""
        return await self.call(NewTokenAnswer, "POST", _tokens(identity_id), body=body)

    async def list_tokens(self, identity_id: str) -> tuple[Token, ...]:
        """List the tokens of an identity, without their values."""
        return (await self.call(TokensAnswer, "GET", _tokens(identity_id))).tokens

    async def revoke_token(self, token_id: str) -> Token:
        """End a token by its id."""
        path = f"{TOKEN_AUTH}/tokens/{part(token_id)}/revoke"
        return (await self.call(TokenAnswer, "POST", path)).token

    # --- roles ------------------------------------------------------------------------------

    async def list_roles(self, project: str | None) -> tuple[Role, ...]:
        """List the roles that can be held in a project, or in every one."""
        return (await self.call(RolesOffered, "GET", _role(project))).roles

    async def create_role(self, project: str | None, body: CreateRole) -> Role:
        """Create a role of a project, or of all."""
        return (await self.call(RoleAnswer, "POST", _role(project), body=body)).role

    async def read_role(self, project: str | None, slug: str) -> Role:
        """Read a role of a project, or of all."""
        return (await self.call(RoleAnswer, "GET", _role(project, slug))).role

    async def update_role(self, project: str | None, slug: str, body: UpdateRole) -> Role:
        """Change a role, for everybody who holds it."""
        return (await self.call(RoleAnswer, "PATCH", _role(project, slug), body=body)).role

    async def delete_role(self, project: str | None, slug: str) -> Role:
        """Delete a role that nobody holds."""
        return (await self.call(RoleAnswer, "DELETE", _role(project, slug))).role

    async def explain_access(self, asked: ExplainQuery) -> ExplainAnswer:
        """Say by which role an identity may do something somewhere, or why each does not do."""
        query = {name: str(each) for name, each in asked.model_dump(by_alias=True).items()}
        return await self.call(ExplainAnswer, "GET", EXPLAIN, query=query)


_MEMBERS = "identity-memberships"


def _role(project: str | None, slug: str = "") -> str:
    where = f"{PROJECTS}/{part(project)}/roles" if project else "/api/v1/roles"
    return f"{where}/{part(slug)}" if slug else where


def _member(project: str, identity_id: str) -> str:
    return f"{PROJECTS}/{part(project)}/{_MEMBERS}/{part(identity_id)}"


def _roles(slugs: tuple[str, ...]) -> MemberAsked:
    return MemberAsked(roles=tuple(RoleAsked(role=slug) for slug in slugs))


def _universal(identity_id: str) -> str:
    return f"{UNIVERSAL_AUTH}/{part(identity_id)}"


def _tokens(identity_id: str) -> str:
    return f"{TOKEN_AUTH}/identities/{part(identity_id)}/tokens"
