"""What a fleet file asks of access: custom roles, machine identities, and who holds which role."""

from keyturn.domain.fleetfile.items import Action, Item, Kind
from keyturn.services import identity_changes, memberships, roles
from keyturn.services.fleet_hands import Hands, Ways
from keyturn.services.fleet_resolving import connections_of, grants_of
from keyturn.services.memberships import Asked
from keyturn.services.roles import RoleDraft


async def _create_role(hands: Hands, item: Item) -> str:
    *place, slug = item.key
    project = place[0] if place else None
    view = await roles.create_role(hands.world, hands.caller, project, slug, _role(hands, item))
    return view.role.slug


async def _update_role(hands: Hands, item: Item) -> str:
    *place, slug = item.key
    project = place[0] if place else None
    view = await roles.update_role(hands.world, hands.caller, project, slug, _role(hands, item))
    return view.role.slug


async def _delete_role(hands: Hands, item: Item) -> str:
    *place, slug = item.key
    await roles.delete_role(hands.world, hands.caller, place[0] if place else None, slug)
    return ""


def _role(hands: Hands, item: Item) -> RoleDraft:
    known = {key[0]: it for (kind, key), it in hands.there.ids.items() if kind is Kind.CONNECTION}
    before = [each for each in hands.there.items if each.id == item.id]
    gone = {name: name for each in before for name in connections_of(each) if name not in known}
    ids = gone | {n: hands.id_of(Kind.CONNECTION, n) for n in connections_of(item) if n not in gone}
    told = {name: str(item.fields[name]) for name in ("name", "description") if name in item.fields}
    return RoleDraft(grants=grants_of(item, ids), **told)


# --- identities -----------------------------------------------------------------------------------


async def _create_identity(hands: Hands, item: Item) -> str:
    name, role = item.key[0], str(item.fields.get("role", ""))
    made = await identity_changes.create_identity(hands.world, hands.caller, name, role=role)
    return made.identity.id


async def _update_identity(hands: Hands, item: Item) -> str:
    its_id, role = hands.its_id(item), str(item.fields["role"])
    await identity_changes.update_identity(hands.world, hands.caller, its_id, role=role)
    return its_id


async def _delete_identity(hands: Hands, item: Item) -> str:
    its_id = hands.its_id(item)
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


WAYS: Ways = {
    Kind.ROLE: {
        Action.CREATE: _create_role,
        Action.UPDATE: _update_role,
        Action.DELETE: _delete_role,
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
