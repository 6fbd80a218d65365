"""Do one change of a fleet file's plan, by the use case that there is for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keyturn.domain.access import Caller
from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.destination_kinds import parse_kind
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound
from keyturn.domain.fleetfile.items import CREDENTIAL, Action, Change, Item, Kind
from keyturn.domain.okta import CredentialKind
from keyturn.domain.project import ROOT
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.services import (
    compliance_policies,
    connections,
    destinations,
    environments,
    folders,
    identity_changes,
    memberships,
    onboarding,
    rotations,
)
from keyturn.services.environments import EnvironmentChange
from keyturn.services.fleet_standing import Standing
from keyturn.services.fleet_wanted import policy_change, schedule_change, schedule_of
from keyturn.services.memberships import Asked
from keyturn.services.ports import World
from keyturn.services.projects import Where


@dataclass(frozen=True)
class Hands:
    """Who does it, what there is by now, and the values of credentials by their references."""

    world: World
    caller: Caller
    there: Standing
    credentials: Mapping[str, Sensitive]

    def id_of(self, kind: Kind, *key: str) -> str:
        """Return the id of something. Raises NotFound."""
        found = self.there.ids.get((kind, key))
        if found is None:
            raise NotFound(f"There is no {kind} {'/'.join(key)}.")
        return found

    def value(self, reference: object, field: str) -> Sensitive:
        """Return what a reference leads to. Raises InvalidInput."""
        found = self.credentials.get(str(reference))
        if found is None:
            told = f"is {reference}" if reference else "is not said"
            rule = f"{told}: a value is needed, by env:NAME, file:PATH or stdin"
            raise InvalidInput(FieldProblem((field,), rule))
        return found


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
    its_id, change = hands.id_of(*_id(item)), EnvironmentChange(str(item.fields["name"]))
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
    its_id = hands.id_of(*_id(item))
    await connections.delete_okta_connection(hands.world, hands.caller, its_id)
    return ""


def _credentials(hands: Hands, fields: Mapping[str, Any]) -> OktaCredentials:
    value = hands.value(fields.get(CREDENTIAL), CREDENTIAL)
    if fields["method"] == "api-token":
        return ApiToken(value)
    return ServiceApp(fields["clientId"], value)


# --- compliance policies --------------------------------------------------------------------------

_POLICY = {
    "selector": "selector",
    "description": "description",
    "maxAgeDays": "max_age_days",
    "maxOverlapDays": "max_overlap_days",
    "unusedDays": "unused_days",
    "managed": "managed",
}


async def _create_policy(hands: Hands, item: Item) -> str:
    fields: Any = {"name": item.key[0], **_policy(item)}
    return (await compliance_policies.create_policy(hands.world, hands.caller, fields)).id


async def _update_policy(hands: Hands, item: Item) -> str:
    fields: Any = _policy(item)
    its_id = hands.id_of(*_id(item))
    return (await compliance_policies.edit_policy(hands.world, hands.caller, its_id, fields)).id


async def _delete_policy(hands: Hands, item: Item) -> str:
    its_id = hands.id_of(*_id(item))
    await compliance_policies.delete_policy(hands.world, hands.caller, its_id)
    return ""


def _policy(item: Item) -> Mapping[str, object]:
    said = {_POLICY[name]: told for name, told in item.fields.items()}
    days = {name: told or None for name, told in said.items() if name.endswith("_days")}
    return said | days


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
        mapping=_mapping(item),
        schedule=schedule_of(world, item, None),
        policy=policy_change(item),
        kind=CredentialKind(str(fields.get("type", CredentialKind.CLIENT_SECRET))),
    )
    return (await onboarding.create_rotation(world, caller, draft)).rotation.id


async def _update_rotation(hands: Hands, item: Item) -> str:
    view = hands.there.rotations[item.key]
    described = "description" in item.fields
    change = rotations.RotationChange(
        description=str(item.fields.get("description", "")) or None,
        described=described,
        schedule=schedule_change(item, view.rotation.schedule),
        mapping=_mapping(item) if "mapping" in item.fields else None,
        policy=policy_change(item),
    )
    await rotations.update_rotation(hands.world, hands.caller, view.rotation.id, change)
    return view.rotation.id


def _mapping(item: Item) -> SecretsMapping:
    told: Mapping[str, str] = item.fields["mapping"]  # type: ignore[assignment]
    return SecretsMapping(told["clientId"], told["clientSecret"])


# --- destinations ---------------------------------------------------------------------------------


async def _create_destination(hands: Hands, item: Item) -> str:
    project, environment, path, name = item.key
    fields: Mapping[str, Any] = item.fields
    draft = destinations.DestinationDraft(
        name=name,
        kind=parse_kind(fields["kind"]),
        where=Where(project, environment, path),
        settings=fields.get("settings", {}),
        credential=_authority(hands, fields),
        only=fields.get("secrets", ()),
        mapping=fields.get("mapping", {}),
        prefix=fields.get("prefix", ""),
        required=fields.get("required", True),
    )
    made = await destinations.create_destination(hands.world, hands.caller, draft)
    return made.destination.id


async def _update_destination(hands: Hands, item: Item) -> str:
    fields: Mapping[str, Any] = item.fields
    its_id = hands.id_of(*_id(item))
    before = next(each for each in hands.there.items if each.id == item.id)
    moved = "settings" in fields and fields["settings"] != before.fields["settings"]
    change = destinations.DestinationChange(
        settings=fields["settings"] if moved else None,
        credential=_authority(hands, fields) if moved and fields.get(CREDENTIAL) else None,
        only=fields.get("secrets"),
        mapping=fields.get("mapping"),
        prefix=fields.get("prefix"),
        required=fields.get("required"),
    )
    await destinations.update_destination(hands.world, hands.caller, its_id, change)
    return its_id


async def _delete_destination(hands: Hands, item: Item) -> str:
    its_id = hands.id_of(*_id(item))
    await destinations.delete_destination(hands.world, hands.caller, its_id)
    return ""


def _authority(hands: Hands, fields: Mapping[str, Any]) -> Mapping[str, Sensitive]:
    told: Mapping[str, str] = fields.get(CREDENTIAL, {})
    return {name: hands.value(each, f"{CREDENTIAL}.{name}") for name, each in told.items()}


# --- identities -----------------------------------------------------------------------------------


async def _create_identity(hands: Hands, item: Item) -> str:
    name, role = item.key[0], str(item.fields.get("role", ""))
    made = await identity_changes.create_identity(hands.world, hands.caller, name, role=role)
    return made.identity.id


async def _update_identity(hands: Hands, item: Item) -> str:
    its_id, role = hands.id_of(*_id(item)), str(item.fields["role"])
    await identity_changes.update_identity(hands.world, hands.caller, its_id, role=role)
    return its_id


async def _delete_identity(hands: Hands, item: Item) -> str:
    its_id = hands.id_of(*_id(item))
    await identity_changes.delete_identity(hands.world, hands.caller, its_id)
    return ""


async def _add_roles(hands: Hands, item: Item) -> str:
    asked = _asked(hands, item)
    await memberships.add_member(hands.world, hands.caller, asked, _roles(item))
    return asked.identity_id


async def _change_roles(hands: Hands, item: Item) -> str:
    asked = _asked(hands, item)
    await memberships.change_member(hands.world, hands.caller, asked, _roles(item))
    return asked.identity_id


async def _remove_roles(hands: Hands, item: Item) -> str:
    await memberships.remove_member(hands.world, hands.caller, _asked(hands, item))
    return ""


def _asked(hands: Hands, item: Item) -> Asked:
    name, project = item.key
    return Asked(project, hands.id_of(Kind.IDENTITY, name))


def _roles(item: Item) -> tuple[str, ...]:
    roles: tuple[str, ...] = item.fields["roles"]  # type: ignore[assignment]
    return roles


def _id(item: Item) -> tuple[Kind, *tuple[str, ...]]:
    return item.kind, *item.key


_Way = Callable[[Hands, Item], Awaitable[str]]
_WAYS: Mapping[Kind, Mapping[Action, _Way]] = {
    Kind.PROJECT: {Action.CREATE: _create_project},
    Kind.ENVIRONMENT: {Action.CREATE: _create_environment, Action.UPDATE: _update_environment},
    Kind.FOLDER: {Action.CREATE: _create_folder},
    Kind.CONNECTION: {
        Action.CREATE: _create_connection,
        Action.UPDATE: _update_connection,
        Action.DELETE: _delete_connection,
    },
    Kind.POLICY: {
        Action.CREATE: _create_policy,
        Action.UPDATE: _update_policy,
        Action.DELETE: _delete_policy,
    },
    Kind.ROTATION: {Action.ADOPT: _adopt, Action.UPDATE: _update_rotation},
    Kind.DESTINATION: {
        Action.CREATE: _create_destination,
        Action.UPDATE: _update_destination,
        Action.DELETE: _delete_destination,
    },
    Kind.IDENTITY: {
        Action.CREATE: _create_identity,
        Action.UPDATE: _update_identity,
        Action.DELETE: _delete_identity,
    },
    Kind.ROLES: {
        Action.CREATE: _add_roles,
        Action.UPDATE: _change_roles,
        Action.DELETE: _remove_roles,
    },
}
