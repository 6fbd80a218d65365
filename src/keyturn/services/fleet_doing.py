"""Do one change of a fleet file's plan, by the use case that there is for it."""

from collections.abc import Mapping
from typing import Any

from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.destination_kinds import parse_kind
from keyturn.domain.fleetfile.items import CREDENTIAL, Action, Change, Item, Kind
from keyturn.domain.project import ROOT
from keyturn.services import (
    connections,
    destinations,
    environments,
    fleet_doing_access,
    fleet_doing_rules,
    folders,
    onboarding,
    rotations,
)
from keyturn.services.environments import EnvironmentChange
from keyturn.services.fleet_apps import kind_of
from keyturn.services.fleet_hands import Hands, Ways
from keyturn.services.fleet_resolving import (
    mapping_of,
    policy_change,
    schedule_change,
    schedule_of,
)
from keyturn.services.projects import Where


async def do(hands: Hands, change: Change) -> None:
    """Do a change. Raises as the use case that does it."""
    made = await _WAYS[change.item.kind][change.action](hands, change.item)
    if made:
        hands.there.ids[change.item.id] = made


async def _create_project(hands: Hands, item: Item) -> str:
    (slug,) = item.key
    name = str(item.fields.get("name", slug))
    made = await environments.create_project(hands.world, hands.caller, name, slug=slug)
    for each in made.environments:
        hands.there.ids[Kind.ENVIRONMENT, (slug, each.slug)] = each.id
    return made.project.id


async def _create_environment(hands: Hands, item: Item) -> str:
    project, slug = item.key
    asked = EnvironmentChange(str(item.fields.get("name", slug)), slug)
    made = await environments.create_environment(hands.world, hands.caller, project, asked)
    return made.id


async def _update_environment(hands: Hands, item: Item) -> str:
    its_id, change = hands.its_id(item), EnvironmentChange(str(item.fields["name"]))
    project = item.key[0]
    await environments.update_environment(hands.world, hands.caller, project, its_id, change)
    return its_id


async def _create_folder(hands: Hands, item: Item) -> str:
    project, environment, path = item.key
    parent, _, name = path.rpartition("/")
    where = Where(project, environment, parent or ROOT)
    made = await folders.create_folder(hands.world, hands.caller, where, name)
    return made.place.folder.id


# --- connections ----------------------------------------------------------------------------------


async def _create_connection(hands: Hands, item: Item) -> str:
    fields: Mapping[str, Any] = item.fields
    draft = connections.OktaConnectionDraft(
        name=item.key[0],
        description=fields.get("description") or None,
        project_id=fields.get("project") or None,
        instance_url=fields["instanceUrl"],
        credentials=_credentials(hands, fields),
    )
    made = await connections.create_okta_connection(hands.world, hands.caller, draft)
    hands.there.connections[made.name] = made
    return made.id


async def _update_connection(hands: Hands, item: Item) -> str:
    fields: Mapping[str, Any] = item.fields
    old = hands.there.connections[item.key[0]]
    now = (old.instance_url, old.method.value, old.client_id)
    moved = now != (fields["instanceUrl"], fields["method"], fields.get("clientId"))
    change = connections.OktaConnectionChange(
        description=fields.get("description"),
        described="description" in fields,
        instance_url=fields["instanceUrl"],
        credentials=_credentials(hands, fields) if moved else None,
    )
    await connections.update_okta_connection(hands.world, hands.caller, old.id, change)
    return old.id


async def _delete_connection(hands: Hands, item: Item) -> str:
    its_id = hands.its_id(item)
    await connections.delete_okta_connection(hands.world, hands.caller, its_id)
    return ""


def _credentials(hands: Hands, fields: Mapping[str, Any]) -> OktaCredentials:
    value = hands.value(fields.get(CREDENTIAL), CREDENTIAL)
    if fields["method"] == "api-token":
        return ApiToken(value)
    return ServiceApp(fields["clientId"], value)


# --- rotations ------------------------------------------------------------------------------------


async def _adopt(hands: Hands, item: Item) -> str:
    world, caller, fields = hands.world, hands.caller, item.fields
    project, environment, path, name = item.key
    draft = onboarding.RotationDraft(
        name=name,
        description=str(fields.get("description", "")) or None,
        where=Where(project, environment, path),
        connection_id=hands.id_of(Kind.CONNECTION, str(fields["connection"])),
        parameter=str(fields["app"]),
        mapping=mapping_of(item),
        schedule=schedule_of(world, item, None),
        policy=policy_change(item),
        kind=kind_of(item),
    )
    return (await onboarding.create_rotation(world, caller, draft)).rotation.id


async def _update_rotation(hands: Hands, item: Item) -> str:
    view = hands.there.rotations[item.key]
    described = "description" in item.fields
    change = rotations.RotationChange(
        description=str(item.fields.get("description", "")) or None,
        described=described,
        schedule=schedule_change(item, view.rotation.schedule),
        mapping=mapping_of(item) if "mapping" in item.fields else None,
        policy=policy_change(item),
    )
    await rotations.update_rotation(hands.world, hands.caller, view.rotation.id, change)
    return view.rotation.id


# --- destinations ---------------------------------------------------------------------------------


async def _create_destination(hands: Hands, item: Item) -> str:
    project, environment, path, name = item.key
    fields: Mapping[str, Any] = item.fields
    draft = destinations.DestinationDraft(
        name=name,
        kind=parse_kind(fields["kind"]),
        where=Where(project, environment, path),
        settings=fields.get("settings", {}),
        credential=hands.authority(item),
        only=fields.get("secrets", ()),
        mapping=fields.get("mapping", {}),
        prefix=fields.get("prefix", ""),
        required=fields.get("required", True),
    )
    made = await destinations.create_destination(hands.world, hands.caller, draft)
    return made.destination.id


async def _update_destination(hands: Hands, item: Item) -> str:
    fields: Mapping[str, Any] = item.fields
    its_id = hands.its_id(item)
    moved = "settings" in fields and fields["settings"] != hands.before(item)["settings"]
    change = destinations.DestinationChange(
        settings=fields["settings"] if moved else None,
        credential=hands.authority(item) if moved and fields.get(CREDENTIAL) else None,
        only=fields.get("secrets"),
        mapping=fields.get("mapping"),
        prefix=fields.get("prefix"),
        required=fields.get("required"),
    )
    await destinations.update_destination(hands.world, hands.caller, its_id, change)
    return its_id


async def _delete_destination(hands: Hands, item: Item) -> str:
    its_id = hands.its_id(item)
    await destinations.delete_destination(hands.world, hands.caller, its_id)
    return ""


_WAYS: Ways = {
    Kind.PROJECT: {Action.CREATE: _create_project},
    Kind.ENVIRONMENT: {Action.CREATE: _create_environment, Action.UPDATE: _update_environment},
    Kind.FOLDER: {Action.CREATE: _create_folder},
    Kind.CONNECTION: {
        Action.CREATE: _create_connection,
        Action.UPDATE: _update_connection,
        Action.DELETE: _delete_connection,
    },
    Kind.ROTATION: {Action.ADOPT: _adopt, Action.UPDATE: _update_rotation},
    Kind.DESTINATION: {
        Action.CREATE: _create_destination,
        Action.UPDATE: _update_destination,
        Action.DELETE: _delete_destination,
    },
    **fleet_doing_rules.WAYS,
    **fleet_doing_access.WAYS,
}
