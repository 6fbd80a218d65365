"""What there is of what fleet files speak of, as far as the caller may see it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from keyturn.domain.access import Caller
from keyturn.domain.channel_kinds import RULES
from keyturn.domain.channels import Channel, Timing
from keyturn.domain.compliance import CompliancePolicy
from keyturn.domain.connection import OktaConnection
from keyturn.domain.fleetfile.items import CREDENTIAL, Item, Kind
from keyturn.domain.fleetfile.reading import exception_item, grant_fields
from keyturn.domain.okta import CredentialKind
from keyturn.domain.project import ROOT, Place
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Policy
from keyturn.services.channels import list_channels
from keyturn.services.compliance_policies import ExceptionView, list_exceptions, list_policies
from keyturn.services.connections import list_okta_connections
from keyturn.services.destinations import DestinationView, list_destinations
from keyturn.services.folders import list_folders
from keyturn.services.identity_changes import IdentityView, list_identities
from keyturn.services.ports import World
from keyturn.services.projects import Where, Whole, list_projects
from keyturn.services.roles import RoleView, list_roles
from keyturn.services.rotations import RotationView, views_for

NO_ROLE = "no-access"
OF_NO_PROJECT = frozenset({Kind.POLICY, Kind.EXCEPTION})
Ident = tuple[Kind, tuple[str, ...]]


@dataclass
class Standing:
    """Things as they are, their ids, and the rotations among them."""

    items: list[Item] = field(default_factory=list)
    ids: dict[Ident, str] = field(default_factory=dict)
    rotations: dict[tuple[str, ...], RotationView] = field(default_factory=dict)
    apart: dict[tuple[str, ...], RotationView] = field(default_factory=dict)
    """Rotations that no file speaks of: of keys of connections, and those that are ending."""
    connections: dict[str, OktaConnection] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)
    """Their slugs, by their ids."""
    environments: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Their ids, by the slugs of project and environment."""
    doubled: set[Ident] = field(default_factory=set)
    """What is there twice, so that no file can say which is meant."""
    exceptions: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """The ids of those that excuse the same: together they are one, until the last ends."""

    def put(self, item: Item, its_id: str = "") -> None:
        """Note a thing."""
        if item.kind is Kind.IDENTITY and item.id in self.ids:
            self.doubled.add(item.id)
        self.items.append(item)
        self.ids[item.id] = its_id


async def standing(world: World, caller: Caller, kinds: Collection[Kind]) -> Standing:
    """Return what there is of some kinds of things. Raises Forbidden."""
    projects = await list_projects(world, caller) if {*kinds} - OF_NO_PROJECT else ()
    found = Standing(
        projects={each.project.id: each.project.slug for each in projects},
        environments={
            (each.project.slug, one.slug): one.id for each in projects for one in each.environments
        },
    )
    for kind, add in _ADDING.items():
        if kind in kinds:
            await add(world, caller, found, projects)
    return found


async def _add_projects(
    world: World, caller: Caller, found: Standing, projects: Sequence[Whole]
) -> None:
    for whole in projects:
        slug = whole.project.slug
        found.put(Item(Kind.PROJECT, (slug,), {"name": whole.project.name}), whole.project.id)
        for each in whole.environments:
            key = (slug, each.slug)
            found.put(Item(Kind.ENVIRONMENT, key, {"name": each.name}), each.id)
            where = Where(slug, each.slug, ROOT)
            for view in await list_folders(world, caller, where, recursive=True):
                folder = view.place.folder
                found.put(Item(Kind.FOLDER, (*key, folder.path)), folder.id)


async def _add_connections(
    world: World, caller: Caller, found: Standing, projects: Sequence[Whole]
) -> None:
    await _know_connections(world, caller, found)
    for each in found.connections.values():
        found.put(_connection(each, found.projects.get(each.project_id or "", "")), each.id)


async def _know_connections(world: World, caller: Caller, found: Standing) -> None:
    """Take note of connections, which rotations need, and a file may say nothing of."""
    for each in await list_okta_connections(world, caller, project_id=None):
        found.connections[each.name] = each
        found.ids[Kind.CONNECTION, (each.name,)] = each.id


async def _add_policies(world: World, caller: Caller, found: Standing, _: Sequence[Whole]) -> None:
    for policy in await list_policies(world, caller):
        found.put(_policy(policy), policy.id)


async def _add_exceptions(
    world: World, caller: Caller, found: Standing, _: Sequence[Whole]
) -> None:
    """Take note of those that still excuse something, and of the policies that they may be of."""
    for policy in await list_policies(world, caller):
        found.ids[Kind.POLICY, (policy.name,)] = policy.id
    now, last = world.clock.now(), dict[Ident, Item]()
    every = await list_exceptions(world, caller)
    for each in sorted(every, key=lambda one: (one.exception.expires_at, one.exception.created_at)):
        if each.exception.in_force(now):
            item = _exception(each)
            last[item.id] = item
            found.exceptions.setdefault(item.key, []).append(each.exception.id)
    for item in last.values():
        found.put(item)


async def _add_rotations(world: World, caller: Caller, found: Standing, _: Sequence[Whole]) -> None:
    await _know_connections(world, caller, found)
    for view in await views_for(world, caller, None):
        key = (*place_key(view.place), view.rotation.name)
        if view.rotation.kind is CredentialKind.CONNECTION_KEY or view.rotation.ending:
            found.apart[key] = view
            continue
        found.rotations[key] = view
        found.put(_rotation(view, key), view.rotation.id)


async def _add_destinations(
    world: World, caller: Caller, found: Standing, projects: Sequence[Whole]
) -> None:
    for whole in projects:
        for view in await list_destinations(world, caller, project=whole.project.id):
            found.put(_destination(view), view.destination.id)


async def _add_channels(
    world: World, caller: Caller, found: Standing, projects: Sequence[Whole]
) -> None:
    for channel in await list_channels(world, caller):
        project = found.projects.get(channel.project_id or "", "")
        found.put(_channel(channel, project), channel.id)


async def _add_roles(
    world: World, caller: Caller, found: Standing, projects: Sequence[Whole]
) -> None:
    await _know_connections(world, caller, found)
    called: dict[str, str] = {each.id: each.name for each in found.connections.values()}
    for place in (None, *(each.project for each in projects)):
        for view in await list_roles(world, caller, place.slug if place else None):
            if view.custom and view.custom.project_id == (place.id if place else None):
                key = (*((place.slug,) if place else ()), view.role.slug)
                found.put(_role(view, key, called), view.custom.id)


async def _add_identities(
    world: World, caller: Caller, found: Standing, projects: Sequence[Whole]
) -> None:
    for one in await list_identities(world, caller, person=False):
        _add_identity(found, one)


_ADDING = {
    Kind.PROJECT: _add_projects,
    Kind.CONNECTION: _add_connections,
    Kind.POLICY: _add_policies,
    Kind.EXCEPTION: _add_exceptions,
    Kind.ROTATION: _add_rotations,
    Kind.DESTINATION: _add_destinations,
    Kind.CHANNEL: _add_channels,
    Kind.ROLE: _add_roles,
    Kind.IDENTITY: _add_identities,
}


def place_key(place: Place) -> tuple[str, str, str]:
    """Return a folder by names."""
    return place.project.slug, place.environment.slug, place.folder.path


def _connection(each: OktaConnection, project: str) -> Item:
    fields: dict[str, object] = {
        "description": each.description or "",
        "instanceUrl": each.instance_url,
        "method": each.method.value,
        "credential": "kept",
    }
    fields |= {"project": project} if project else {}
    fields |= {"clientId": each.client_id} if each.client_id else {}
    return Item(Kind.CONNECTION, (each.name,), fields)


def _policy(each: CompliancePolicy) -> Item:
    fields = {
        "selector": each.selector,
        "description": each.description or "",
        "maxAgeDays": each.max_age_days or 0,
        "maxOverlapDays": each.max_overlap_days or 0,
        "unusedDays": each.unused_days or 0,
        "managed": each.managed,
    }
    return Item(Kind.POLICY, (each.name,), fields)


def _exception(view: ExceptionView) -> Item:
    it = view.exception
    return exception_item(
        {
            "selector": it.selector,
            "policy": view.policy.name if view.policy else "",
            "kinds": it.kinds,
            "reason": it.reason,
            "expiresAt": moment_text(it.expires_at),
        }
    )


def moment_text(at: datetime) -> str:
    """Return a moment as the file says it: the day alone at its beginning."""
    told = at.astimezone(UTC)
    return f"{told.replace(tzinfo=None).isoformat()}Z" if told.time() > time() else f"{told:%F}"


def _rotation(view: RotationView, key: tuple[str, ...]) -> Item:
    rotation = view.rotation
    fields = {
        "description": rotation.description or "",
        "connection": view.connection.name,
        "app": rotation.app_id,
        "type": rotation.kind.value,
        "mapping": mapping_fields(rotation.mapping),
        "schedule": schedule_fields(rotation.schedule),
        "policy": policy_fields(rotation.policy),
    }
    return Item(Kind.ROTATION, key, fields)


def mapping_fields(mapping: SecretsMapping) -> Mapping[str, object]:
    """Return the names that readers use as the file says them."""
    return {"clientId": mapping.client_id, "clientSecret": mapping.client_secret}


def schedule_fields(schedule: Schedule) -> Mapping[str, object]:
    """Return a schedule as the file says it: an interval, or what takes its place."""
    interval = {"intervalDays": schedule.interval_days}
    every = {"every": schedule.every} if schedule.every else interval
    return {
        "automatic": schedule.automatic,
        **({"cron": schedule.cron} if schedule.cron else every),
        "rotateAt": f"{schedule.rotate_at:%H:%M}",
        "at": f"{schedule.at:%H:%M}" if schedule.at else "",
        "timeZone": schedule.zone,
        "windows": schedule.windows,
        "blackouts": schedule.blackouts,
        "staggerSeconds": schedule.stagger_s,
        "quarantineAfter": schedule.quarantine_after,
    }


def policy_fields(policy: Policy) -> Mapping[str, object]:
    """Return how long turns take their time as the file says it."""
    return {
        "overlap": policy.overlap.value,
        "overlapSeconds": policy.overlap_s,
        "soakSeconds": policy.soak_s,
        "backstopSeconds": policy.backstop_s,
        "quietSeconds": policy.quiet_s,
        "readSystemLog": policy.log,
        "repairDrift": policy.repair,
    }


def _destination(view: DestinationView) -> Item:
    it = view.destination
    fields = {
        "kind": it.kind.value,
        "settings": dict(it.setting),
        "credential": dict.fromkeys(it.rules.credential, "kept"),
        "secrets": it.only,
        "mapping": dict(it.renamed),
        "prefix": it.prefix,
        "required": it.required,
    }
    return Item(Kind.DESTINATION, (*place_key(view.place), it.name), fields)


def _channel(each: Channel, project: str) -> Item:
    fields: dict[str, object] = {
        "kind": each.kind.value,
        "settings": dict(each.setting),
        CREDENTIAL: dict.fromkeys(RULES[each.kind].credential if each.sealed else (), "kept"),
        "selector": each.selector,
        "kinds": tuple(sorted(each.kinds)),
        "timing": timing_fields(each.timing),
        "aheadSeconds": each.ahead_s,
        "paused": each.paused,
    }
    fields |= {"project": project} if project else {}
    return Item(Kind.CHANNEL, (each.name,), fields)


def timing_fields(timing: Timing) -> Mapping[str, str]:
    """Return when a channel may speak as the file says it."""
    clocks = {"digestAt": timing.daily_at, "quietFrom": timing.quiet_from}
    clocks["quietTo"] = timing.quiet_to
    told = {name: f"{at:%H:%M}" if at else "" for name, at in clocks.items()}
    return {"digest": timing.rhythm.value, "zone": timing.zone, **told}


def _role(view: RoleView, key: tuple[str, ...], called: Mapping[str, str]) -> Item:
    grants = [
        grant_fields(
            {
                "verbs": [each.value for each in grant.verbs],
                "environments": grant.environments,
                "paths": grant.paths,
                "connections": [called.get(each, each) for each in grant.connections],
            }
        )
        for grant in view.role.grants
        if grant.verbs  # none is left of verbs that only another Keyturn knows
    ]
    described = view.custom.description if view.custom else ""
    fields = {"name": view.role.name, "description": described, "grants": grants}
    return Item(Kind.ROLE, key, fields)


def _add_identity(found: Standing, view: IdentityView) -> None:
    name = view.identity.name
    found.put(Item(Kind.IDENTITY, (name,), {"role": view.role or NO_ROLE}), view.identity.id)
    roles: dict[str, list[str]] = {}
    for each in view.memberships:
        if each.project_id and each.project_id in found.projects:
            roles.setdefault(found.projects[each.project_id], []).append(each.role)
    for project, held in roles.items():
        item = Item(Kind.ROLES, (name, project), {"roles": tuple(sorted(held))})
        found.put(item, view.identity.id)
