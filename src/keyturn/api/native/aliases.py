"""Aliases: names by which connections are used, led from one to the next."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.services import aliases
from keyturn.services.aliases import AliasView
from keyturn.wire import oauth_connections as wire
from keyturn.wire.base import Id, Text

router = APIRouter(
    prefix="/api/v1/connection-aliases", tags=["Connections"], route_class=LenientRoute
)


@router.post("")
async def create_alias(
    world: TheWorld, caller: TheCaller, body: wire.CreateAlias
) -> wire.AliasAnswer:
    """Give a connection another name, in its folder."""
    return _one(await aliases.create_alias(world, caller, body.name, body.connection_id))


@router.get("")
async def list_aliases(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.AliasesAnswer:
    """List the aliases of a project, and where each leads."""
    found = await aliases.list_aliases(world, caller, project=project_id)
    return wire.AliasesAnswer(aliases=tuple(map(_shown, found)))


@router.patch("/{alias_id}")
async def lead_alias(
    world: TheWorld, caller: TheCaller, alias_id: Id, body: wire.LeadAlias
) -> wire.AliasAnswer:
    """Lead an alias to another connection of its folder; the way back is kept."""
    return _one(await aliases.lead_alias(world, caller, alias_id, body.connection_id))


@router.post("/{alias_id}/back")
async def lead_back(world: TheWorld, caller: TheCaller, alias_id: Id) -> wire.AliasAnswer:
    """Lead an alias to where it led before."""
    return _one(await aliases.lead_back(world, caller, alias_id))


@router.delete("/{alias_id}")
async def delete_alias(world: TheWorld, caller: TheCaller, alias_id: Id) -> wire.AliasAnswer:
    """Remove an alias; its connection stays."""
    return _one(await aliases.delete_alias(world, caller, alias_id))


def _one(view: AliasView) -> wire.AliasAnswer:
    return wire.AliasAnswer(alias=_shown(view))


def _shown(view: AliasView) -> wire.Alias:
    stored, place = view.alias, view.place
    return wire.Alias(
        id=stored.id,
        name=stored.name,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        connection_id=stored.connection_id,
        connection_name=view.connection.name,
        previous_id=stored.previous_id,
        created_at=stored.created_at,
        changed_at=stored.changed_at,
    )
