"""Read a project of an Infisical server: environments, folders, secrets unexpanded, imports.

Asks for little and takes more: what a server of another version leaves out is as if it were empty.
A value that is hidden from the caller is told by its name, and never taken for a value.
"""

from collections.abc import Iterable
from typing import Annotated, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError

from keyturn.client.calls import Calls, Query, part
from keyturn.client.errors import ApiError, ClientError, Unreachable
from keyturn.client.tree import Branch, Item, Label, Spot, Tree
from keyturn.wire.base import Wire
from keyturn.wire.secrets import HIDDEN

W = TypeVar("W", bound=Wire)
Words = Annotated[str, BeforeValidator(lambda text: text or "")]
"""A text; null is an empty one."""


class NotBrought(ClientError):
    """The Infisical server refuses, or says what cannot be understood."""


class _Environment(Wire):
    slug: str
    name: str


class _Project(Wire):
    id: str = Field(validation_alias=AliasChoices("id", "_id"))
    environments: tuple[_Environment, ...] = ()


class _Workspace(Wire):
    workspace: _Project


class _Folder(Wire):
    name: str


class _Folders(Wire):
    folders: tuple[_Folder, ...]


class _Tag(Wire):
    slug: str
    name: Words = ""
    color: Words = ""


class _Metadata(Wire):
    key: str
    value: Words = ""
    is_encrypted: bool | None = None


class _Secret(Wire):
    secret_key: str
    secret_value: str = Field(default=HIDDEN, repr=False)
    secret_value_hidden: bool = False
    secret_comment: Words = ""
    type: str = "shared"
    is_rotated_secret: bool | None = None
    skip_multiline_encoding: bool | None = None
    secret_metadata: tuple[_Metadata, ...] | None = None
    tags: tuple[_Tag, ...] | None = None


class _Secrets(Wire):
    secrets: tuple[_Secret, ...]


class _Import(Wire):
    import_path: str
    import_env: _Environment
    position: int = 0
    is_replication: bool | None = None


class _Imports(Wire):
    secret_imports: tuple[_Import, ...]


async def read_tree(server: Calls, project: str, only: frozenset[str] = frozenset()) -> Tree:
    """Read a project, by id or slug: all of it, or some environments by their slugs.

    Raises NotBrought, also for an environment that is not there.
    """
    found = await _read_project(server, project)
    environments = {each.slug: each.name for each in found.environments}
    missing = sorted(only - environments.keys())
    if missing:
        raise NotBrought(f"The project has no environment {', '.join(missing)}.")
    wanted = {slug: name for slug, name in environments.items() if not only or slug in only}
    branches: list[Branch] = []
    for slug in wanted:
        spots = [Spot(slug)]
        while spots:
            spot = spots.pop(0)
            branches.append(await _read_branch(server, found.id, spot))
            spots += [spot.child(name) for name in await _list_folders(server, found.id, spot)]
    return Tree(wanted, branches)


async def _read_project(server: Calls, named: str) -> _Project:
    by_id = f"/api/v1/workspace/{part(named)}"
    try:
        return (await _read(server, _Workspace, by_id)).workspace
    except _Refused as refused:
        if refused.status not in {400, 403, 404, 422}:
            raise
    found = await _read(server, _Project, f"/api/v1/workspace/slug/{part(named)}")
    if found.environments:
        return found
    return (await _read(server, _Workspace, f"/api/v1/workspace/{part(found.id)}")).workspace


async def _list_folders(server: Calls, project_id: str, spot: Spot) -> list[str]:
    query = _place(project_id, spot) | {"path": spot.path}
    return [each.name for each in (await _read(server, _Folders, "/api/v1/folders", query)).folders]


async def _read_branch(server: Calls, project_id: str, spot: Spot) -> Branch:
    place = _place(project_id, spot)
    flags = {"expandSecretReferences": "false", "include_imports": "false", "recursive": "false"}
    query = place | {"secretPath": spot.path, "viewSecretValue": "true"} | flags
    secrets = (await _read(server, _Secrets, "/api/v3/secrets/raw", query)).secrets
    query = place | {"path": spot.path}
    imports = (await _read(server, _Imports, "/api/v1/secret-imports", query)).secret_imports
    whys = {each.secret_key: _why_not(each) for each in secrets}
    items = tuple(_item(each) for each in secrets if not _why_not(each))
    copies = {f"import of {_spot(each)}": "is a replication" for each in imports if _copies(each)}
    ranked = sorted((each for each in imports if not _copies(each)), key=_position)
    left_out = {name: why for name, why in whys.items() if why} | copies | _encrypted(secrets)
    return Branch(spot, items, tuple(map(_spot, ranked)), left_out)


def _why_not(secret: _Secret) -> str:
    if secret.type != "shared":
        return "is a personal secret"
    if secret.is_rotated_secret:
        return "is kept by a rotation there: make the rotation here, and it brings the secret"
    if secret.secret_value_hidden or secret.secret_value == HIDDEN:
        return "is hidden: its value may not be read"
    return ""


def _encrypted(secrets: Iterable[_Secret]) -> dict[str, str]:
    """Return the metadata that cannot be brought: here it would be in clear."""
    return {
        f"metadata {each.key} of {secret.secret_key}": "is encrypted there, and would not be here"
        for secret in secrets
        for each in secret.secret_metadata or ()
        if each.is_encrypted
    }


def _item(secret: _Secret) -> Item:
    plain = [each for each in secret.secret_metadata or () if not each.is_encrypted]
    return Item(
        secret.secret_key,
        secret.secret_value,
        comment=secret.secret_comment,
        labels=tuple(Label(each.slug, each.name, each.color) for each in secret.tags or ()),
        metadata=tuple((each.key, each.value) for each in plain),
        skip_multiline_encoding=bool(secret.skip_multiline_encoding),
    )


def _copies(one: _Import) -> bool:
    return bool(one.is_replication)


def _position(one: _Import) -> int:
    return one.position


def _spot(one: _Import) -> Spot:
    return Spot(one.import_env.slug, one.import_path)


def _place(project_id: str, spot: Spot) -> dict[str, str]:
    return {"workspaceId": project_id, "environment": spot.environment}


class _Refused(NotBrought):
    def __init__(self, url: str, error: ApiError) -> None:
        self.status = error.status
        super().__init__(f"{url} says: {error.message} (HTTP {error.status}).")


async def _read(server: Calls, shape: type[W], path: str, query: Query | None = None) -> W:
    try:
        answer = await server.answer("GET", path, query=query)
        return shape.model_validate_json(answer.content)
    except ApiError as error:
        raise _Refused(server.url, error) from None
    except Unreachable:
        raise NotBrought(f"{server.url} does not answer as Infisical does.") from None
    except ValidationError:
        raise NotBrought(f"{server.url}{path} is not answered as Infisical does.") from None
