"""Named secrets under the two generations of routes that clients use."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical import render
from keyturn.api.infisical.etag import conditional, copy_told
from keyturn.api.lenient import LenientRoute
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.project import ROOT
from keyturn.domain.secret import Copy
from keyturn.domain.sensitive import Sensitive
from keyturn.services import secrets
from keyturn.services.projects import Where
from keyturn.services.secrets import ReadSecret as Found
from keyturn.services.secrets import SecretChange
from keyturn.wire.base import TEXT_MAX
from keyturn.wire.secrets import (
    CreateSecret,
    ReadSecret,
    ReadSecrets,
    SecretAnswer,
    SecretPlace,
    SecretsAnswer,
    UpdateSecret,
)

router = APIRouter(tags=["Secrets"], route_class=LenientRoute)

Name = Annotated[str, Path(max_length=TEXT_MAX)]


@router.get("/api/v3/secrets/raw", response_model=SecretsAnswer)
@router.get("/api/v4/secrets", response_model=SecretsAnswer, name="list_secrets_v4")
async def list_secrets(
    request: Request, world: TheWorld, caller: TheCaller, query: Annotated[ReadSecrets, Query()]
) -> Response:
    """List the secrets of a folder with their current values."""
    shown = query.view_secret_value is not False

    def answer(found: Sequence[Found]) -> SecretsAnswer:
        return SecretsAnswer(secrets=tuple(render.secret(one, shown=shown) for one in found))

    def copy_of(found: Sequence[Found]) -> Copy:
        return copy_told(request, answer(found), shown=shown)

    where = _where(query)
    found = await secrets.list_secrets(world, caller, where, copy_of=copy_of)
    return conditional(request, answer(found))


@router.get("/api/v3/secrets/raw/{secret_name}", response_model=SecretAnswer)
@router.get("/api/v4/secrets/{secret_name}", response_model=SecretAnswer, name="read_secret_v4")
async def read_secret(
    request: Request,
    world: TheWorld,
    caller: TheCaller,
    secret_name: Name,
    query: Annotated[ReadSecret, Query()],
) -> Response:
    """Read one secret: its current version, or a numbered one that was served before."""
    shown = query.view_secret_value is not False

    def answer(found: Found) -> SecretAnswer:
        return SecretAnswer(secret=render.secret(found, shown=shown))

    def copy_of(found: Sequence[Found]) -> Copy:
        return copy_told(request, answer(found[0]), shown=shown)

    where, number = _where(query), query.version
    found = await secrets.read_secret(
        world, caller, where, secret_name, version=number, copy_of=copy_of
    )
    return conditional(request, answer(found))


@router.post("/api/v3/secrets/raw/{secret_name}")
async def create_secret(
    world: TheWorld, caller: TheCaller, secret_name: Name, body: CreateSecret
) -> SecretAnswer:
    """Store a new secret and serve it at once."""
    value, comment = Sensitive(body.secret_value), body.secret_comment or ""
    where = _where(body)
    stored = await secrets.create_secret(world, caller, where, secret_name, value, comment=comment)
    return SecretAnswer(secret=render.secret(stored, shown=True))


@router.patch("/api/v3/secrets/raw/{secret_name}")
async def update_secret(
    world: TheWorld, caller: TheCaller, secret_name: Name, body: UpdateSecret
) -> SecretAnswer:
    """Change a secret: its value, which is served at once, its name, its comment."""
    change = _change(body)
    stored = await secrets.update_secret(world, caller, _where(body), secret_name, change)
    return SecretAnswer(secret=render.secret(stored, shown=True))


def _change(asked: UpdateSecret) -> SecretChange:
    given, name, comment = asked.secret_value, asked.new_secret_name, asked.secret_comment
    change = SecretChange(None if given is None else Sensitive(given), name, comment)
    if change == SecretChange():
        rule = "Required, unless newSecretName or secretComment is given"
        raise InvalidInput(FieldProblem(("secretValue",), rule))
    return change


def _where(asked: SecretPlace) -> Where:
    """Read the place; of the spellings of the project, the first that is not empty counts."""
    spelled = (asked.project_id, asked.workspace_id, asked.project_slug, asked.workspace_slug)
    project = next(filter(None, spelled), None)
    if project is None:
        raise InvalidInput(FieldProblem(("projectId",), "Required"))
    return Where(project, asked.environment, asked.secret_path or ROOT)
