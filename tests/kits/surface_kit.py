"""Folders, secrets and callers, made in a line, for the tests of what Infisical's clients use."""

from dataclasses import replace

import httpx2
from api_kit import SECRETS, Body, House

from keyturn.domain.access import Grant, Role, Verb
from keyturn.domain.identity import AuthMethod, TokenRules
from keyturn.domain.ids import ProjectId
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.services.identities import member, new_access_token, new_identity

FOLDERS = "/api/v2/folders"
IMPORTS = "/api/v1/secret-imports"
V4 = "/api/v4/secrets"


async def put(house: House, name: str, value: str, path: str = "/", env: str = "dev") -> Body:
    """Store a new secret, and return what was answered."""
    where = house.place | {"environment": env, "secretPath": path}
    answer = await house.http.post(f"{SECRETS}/{name}", json=where | {"secretValue": value})
    assert answer.status_code == 200, answer.text
    stored: Body = answer.json()["secret"]
    return stored


async def make_folder(house: House, path: str, env: str = "dev") -> Body:
    """Create a folder, and return what was answered."""
    parent, _, name = path.rpartition("/")
    where = house.place | {"environment": env, "path": parent or "/", "name": name}
    answer = await house.http.post(FOLDERS, json=where)
    assert answer.status_code == 200, answer.text
    made: Body = answer.json()["folder"]
    return made


async def make_import(
    house: House, source: str, path: str = "/", env: str = "dev", into: str = "dev"
) -> Body:
    """Let a folder import another, and return what was answered."""
    where = house.place | {"environment": into, "path": path}
    wanted = {"environment": env, "path": source}
    answer = await house.http.post(IMPORTS, json=where | {"import": wanted})
    assert answer.status_code == 200, answer.text
    made: Body = answer.json()["secretImport"]
    return made


async def read(house: House, name: str, **more: str) -> httpx2.Response:
    """Read a secret by name."""
    return await house.http.get(f"{V4}/{name}", params=house.place | more)


def values(listed: Body) -> dict[str, str]:
    """Return names and values of the secrets in an answer, or in one of its imports."""
    found: list[dict[str, str]] = listed["secrets"]  # type: ignore[assignment]  # an answer's JSON
    return {each["secretKey"]: each["secretValue"] for each in found}


async def log_in_as(house: House, *roles: Role, everywhere: bool = False) -> House:
    """Return the house as somebody new reaches it, who holds roles in the project."""
    world, organization_id = house.world, house.installed.organization.id
    project_id = None if everywhere else house.installed.project.id
    somebody = new_identity(world, "somebody", organization_id)
    rules = TokenRules(3600, 3600)
    token, value = new_access_token(world, somebody.id, AuthMethod.TOKEN, rules)
    async with world.store.writing() as tx:
        held = (member(world, somebody, role, project_id) for role in roles)
        await tx.add(somebody, *held, token)
    http = httpx2.AsyncClient(
        transport=house.http._transport,  # noqa: SLF001  the same server, another caller
        base_url=house.http.base_url,
        headers={"authorization": f"Bearer {value.reveal()}"},
    )
    return replace(house, http=http)


async def make_role(
    house: House,
    *verbs: Verb,
    slug: str = "narrow",
    environments: tuple[str, ...] = (),
    paths: tuple[str, ...] = (),
    connections: tuple[str, ...] = (),
) -> Role:
    """Make a role of the project that holds some verbs in some places."""
    now, project_id = house.clock.now(), ProjectId(house.installed.project.id)
    role_id = house.world.chance.uuid()
    role = CustomRole(role_id, project_id, slug, slug, "", now, now)
    grant = RoleGrant(role_id, 1, tuple(verbs), environments, paths, connections)
    async with house.world.store.writing() as tx:
        await tx.add(role, grant)
    return Role(slug, slug, (Grant(frozenset(verbs), environments, paths, connections),))
