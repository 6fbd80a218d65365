"""Read named secrets under the generations of routes that clients use."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.description import CONDITIONAL
from keyturn.api.infisical import render
from keyturn.api.infisical.etag import conditional, copy_told, named_by, tag_of
from keyturn.api.infisical.spelling import where_of
from keyturn.api.lenient import LenientRoute
from keyturn.domain.secret import Copy, State
from keyturn.services import secrets
from keyturn.services.secrets import Listing, ReadSecret, Wish
from keyturn.wire import secrets as wire
from keyturn.wire.base import TEXT_MAX, Flag

router = APIRouter(tags=["Secrets"], route_class=LenientRoute)

Name = Annotated[str, Path(max_length=TEXT_MAX)]
_Answer = wire.SecretAnswer | wire.SecretsAnswer
ListQuery = Annotated[wire.ReadSecrets, Query()]


@router.get("/api/v3/secrets/raw", response_model=wire.SecretsAnswer, responses=CONDITIONAL)
@router.get(
    "/api/v4/secrets",
    response_model=wire.SecretsAnswer,
    responses=CONDITIONAL,
    name="list_secrets_v4",
)
async def list_secrets(
    request: Request, world: TheWorld, caller: TheCaller, query: ListQuery
) -> Response:
    """List the secrets of a folder with their current values.

    Unless the query says otherwise, version 4 expands references and brings in imports, version 3
    does neither.
    """
    shown = query.view_secret_value is not False
    wish = replace(
        _wish(request, query),
        recursive=query.recursive is True,
        tags=frozenset(filter(None, map(str.strip, (query.tag_slugs or "").split(",")))),
        copy_of=partial(_copy_of, request, _list_answer, shown=shown),
    )
    listing = await secrets.list_secrets(world, caller, where_of(query), wish)
    return conditional(request, _list_answer(listing, shown=shown), listing.made_of)


@router.get(
    "/api/v3/secrets/raw/{secret_name}",
    response_model=wire.SecretAnswer,
    responses=CONDITIONAL,
)
@router.get(
    "/api/v4/secrets/{secret_name}",
    response_model=wire.SecretAnswer,
    responses=CONDITIONAL,
    name="read_secret_v4",
)
async def read_secret(
    request: Request,
    world: TheWorld,
    caller: TheCaller,
    secret_name: Name,
    query: Annotated[wire.ReadSecret, Query()],
) -> Response:
    """Read one secret: its current version, or a numbered one that was served before.

    Unless the query says otherwise, version 4 expands references, and looks for what the folder has
    not in what it imports; version 3 does neither.
    """
    where, wish = where_of(query), _wish(request, query)
    found = await secrets.read_secret(
        world, caller, where, secret_name, version=query.version, wish=wish
    )
    return _answered(request, found, wish)


@router.get(
    "/api/v3/secrets/raw/id/{secret_id}",
    response_model=wire.SecretAnswer,
    responses=CONDITIONAL,
)
@router.get(
    "/api/v4/secrets/id/{secret_id}",
    response_model=wire.SecretAnswer,
    responses=CONDITIONAL,
    name="read_secret_by_id_v4",
)
async def read_secret_by_id(
    request: Request,
    world: TheWorld,
    caller: TheCaller,
    secret_id: Name,
    query: Annotated[wire.ReadSecretById, Query()],
) -> Response:
    """Read one secret by its id, as it was written unless references are to be expanded."""
    expanded = query.expand_secret_references is True
    wish = replace(_wish(request, query), expanded=expanded, imports=False)
    found = await secrets.read_secret_by_id(
        world, caller, secret_id, version=query.version, wish=wish
    )
    return _answered(request, found, wish)


@router.get("/api/v1/secret/{secret_id}/secret-versions")
async def list_versions(
    world: TheWorld,
    caller: TheCaller,
    secret_id: Name,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    view_secret_value: Annotated[Flag, Query(alias="viewSecretValue")] = None,
) -> wire.VersionsAnswer:
    """List the versions of a secret, the latest first, with the values that still work.

    With ``viewSecretValue=false`` none is opened: then it takes only to know of the secret.
    """
    shown = view_secret_value is not False
    found = await secrets.list_versions(
        world, caller, secret_id, offset=offset, limit=limit, shown=shown
    )
    return wire.VersionsAnswer(secret_versions=tuple(_version(each, shown=shown) for each in found))


def _list_answer(listing: Listing, *, shown: bool) -> wire.SecretsAnswer:
    return wire.SecretsAnswer(
        secrets=_shown(listing.secrets, shown=shown),
        imports=tuple(
            wire.ImportedSecrets(
                secret_path=one.source.folder.path,
                environment=one.source.environment.slug,
                folder_id=one.source.folder.id,
                secrets=_shown(one.secrets, shown=shown),
            )
            for one in listing.imports
        ),
    )


def _one_answer(listing: Listing, *, shown: bool) -> wire.SecretAnswer:
    return wire.SecretAnswer(secret=render.secret(listing.secrets[0], shown=shown))


def _shown(found: Sequence[ReadSecret], *, shown: bool) -> tuple[wire.Secret, ...]:
    return tuple(render.secret(one, shown=shown) for one in found)


def _answered(request: Request, found: ReadSecret, wish: Wish) -> Response:
    answer = wire.SecretAnswer(secret=render.secret(found, shown=wish.shown))
    return conditional(request, answer, found.made_of)


def _copy_of(
    request: Request, answer: Callable[..., _Answer], listing: Listing, *, shown: bool
) -> Copy:
    """Tell what the request says of the copy that its sender holds."""
    tag = tag_of(answer(listing, shown=shown), listing.made_of)
    return copy_told(named_by(request), tag, shown=shown)


def _wish(request: Request, asked: wire.ReadOptions) -> Wish:
    """Return what is wanted; where nothing is said, what the generation of the route gives."""
    newer = request.url.path.startswith("/api/v4/")
    shown, expanded = asked.view_secret_value is not False, asked.expand_secret_references
    return Wish(
        shown=shown,
        expanded=newer if expanded is None else expanded,
        imports=newer if asked.imports is None else asked.imports,
        copy_of=partial(_copy_of, request, _one_answer, shown=shown),
    )


def _version(read: ReadSecret, *, shown: bool) -> wire.SecretVersion:
    stored, version, place = read.secret, read.version, read.place
    works = shown and version.state in (State.CURRENT, State.PREVIOUS)
    return wire.SecretVersion(
        id=version.id,
        legacy_id=version.id,
        secret_id=stored.id,
        folder_id=place.folder.id,
        workspace=place.project.id,
        environment=place.environment.slug,
        version=version.number,
        state=version.state.value,
        secret_key=stored.name,
        secret_value=read.value.reveal() if works else wire.HIDDEN,
        secret_value_hidden=not works,
        secret_comment=stored.comment,
        skip_multiline_encoding=stored.skip_multiline_encoding,
        created_at=version.created_at,
        updated_at=version.created_at,
        is_rotated_secret=stored.rotation_id is not None,
        rotation_id=stored.rotation_id,
    )
