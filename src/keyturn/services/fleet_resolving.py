"""What a fleet file says of a thing, as it will stand there afterwards.

What is said in part is put into what there is, and texts are written as the use cases write them,
so that what was applied once changes nothing more.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import Any, TypeVar

from keyturn.domain.access import Grant
from keyturn.domain.addresses import instance_url
from keyturn.domain.channel_kinds import RULES, parse_channel_kind
from keyturn.domain.channels import ALWAYS, Rhythm, Timing, checked_kinds, checked_timing
from keyturn.domain.compliance import FindingKind
from keyturn.domain.destination_kinds import checked_settings, parse_kind, require_fit
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.fleetfile.items import Item, Kind
from keyturn.domain.fleetfile.reading import DATES, parse_moment, with_fields
from keyturn.domain.roles import checked_grants, checked_slug, parse_verbs
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Overlap, Policy
from keyturn.services.fleet_standing import (
    NO_ROLE,
    Standing,
    mapping_fields,
    moment_text,
    policy_fields,
    schedule_fields,
    timing_fields,
)
from keyturn.services.policies import PolicyChange, changed_policy
from keyturn.services.ports import World
from keyturn.services.rotations import checked_mapping
from keyturn.services.schedules import DEFAULT, ScheduleChange, changed_schedule
from keyturn.services.selectors import read_selector

T = TypeVar("T")
NO_ROLES = frozenset({NO_ROLE, "member"})


def resolved_item(world: World, item: Item, there: Standing) -> Item:
    """Return a thing as it is to be. Raises InvalidInput, and AddressRefused for an org's."""
    for name in ("selector", "select"):
        if name in item.fields:
            item = with_fields(
                item, **{name: str(read_selector(world, str(item.fields[name]), name))}
            )
    resolve = _WAYS.get(item.kind)
    return resolve(world, item, there) if resolve else item


def _connection(world: World, item: Item, _: Standing) -> Item:
    allowed = world.limits.private_addresses_allowed
    url = instance_url(str(item.fields["instanceUrl"]), private_allowed=allowed)
    return with_fields(item, instanceUrl=url)


def _identity(_: World, item: Item, there: Standing) -> Item:
    return with_fields(item, role=NO_ROLE) if item.fields.get("role") in NO_ROLES else item


def _exception(_: World, item: Item, there: Standing) -> Item:
    fields: Any = item.fields
    unknown = {*fields["kinds"]} - {*FindingKind}
    if unknown:
        raise InvalidInput(FieldProblem(("kinds",), f"must be of {', '.join(FindingKind)}"))
    return with_fields(item, expiresAt=moment_text(parse_moment(fields["expiresAt"])))


def _before(item: Item, there: Standing) -> Item | None:
    return next((each for each in there.items if each.id == item.id), None)


def _destination(_: World, item: Item, there: Standing) -> Item:
    fields: Any = item.fields
    said: dict[str, object] = {}
    if "settings" in fields:
        said["settings"] = dict(checked_settings(parse_kind(fields["kind"]), fields["settings"]))
    if "mapping" in fields:
        said["mapping"] = {name: to.strip() for name, to in fields["mapping"].items()}
    if "prefix" in fields:
        said["prefix"] = fields["prefix"].strip()
    return with_fields(item, **said)


# --- channels -------------------------------------------------------------------------------------


def _channel(_: World, item: Item, there: Standing) -> Item:
    fields: Any = item.fields
    old = _before(item, there)
    said: dict[str, object] = {}
    if "settings" in fields:
        given = {name: text.strip() for name, text in fields["settings"].items() if text.strip()}
        require_fit("settings", RULES[parse_channel_kind(fields["kind"])].settings, given)
        said["settings"] = given
    if "timing" in fields:
        said["timing"] = _timing_told(old, fields["timing"])
        timing_of(with_fields(item, **said))
    checked_kinds(fields.get("kinds", ()))
    return with_fields(item, **said)


def _timing_told(old: Item | None, told: Mapping[str, str]) -> Mapping[str, str]:
    before: Any = old.fields["timing"] if old else timing_fields(ALWAYS)
    merged = {**before, **told}
    if merged["digest"] != Rhythm.DAILY and "digestAt" not in told:
        merged["digestAt"] = ""
    return merged


def timing_of(item: Item) -> Timing | None:
    """Return when a channel may speak, where the file says so. Raises InvalidInput."""
    told: Any = item.fields.get("timing")
    if told is None:
        return None
    clocks = (told[name] for name in ("digestAt", "quietFrom", "quietTo"))
    daily, since, until = (time.fromisoformat(each) if each else None for each in clocks)
    return checked_timing(Timing(Rhythm(told["digest"]), told["zone"], daily, since, until))


# --- roles ----------------------------------------------------------------------------------------


def _role(_: World, item: Item, there: Standing) -> Item:
    checked_slug(item.key[-1])
    old = _before(item, there)
    if old is None or old.fields["grants"] != item.fields["grants"]:
        checked_grants(grants_of(item, {name: name for name in connections_of(item)}))
    return item


def connections_of(item: Item) -> Sequence[str]:
    """Return the names of connections that the grants of a role are about."""
    told: Any = item.fields["grants"]
    return [name for grant in told for name in grant.get("connections", ())]


def grants_of(item: Item, connections: Mapping[str, str]) -> Sequence[Grant]:
    """Return the grants of a role, with the ids of connections in place of names.

    Raises InvalidInput for a verb that is none.
    """
    told: Any = item.fields["grants"]
    return [
        Grant(
            parse_verbs(each["verbs"]),
            tuple(each.get("environments", ())),
            tuple(each.get("paths", ())),
            tuple(connections[name] for name in each.get("connections", ())),
        )
        for each in told
    ]


# --- rotations ------------------------------------------------------------------------------------


def _rotation(world: World, item: Item, there: Standing) -> Item:
    view = there.rotations.get(item.key)
    rotation = view.rotation if view else None
    said: dict[str, object] = {}
    if "mapping" in item.fields:
        said["mapping"] = mapping_fields(checked_mapping(mapping_of(item)))
    if "schedule" in item.fields or rotation is None:
        schedule = schedule_of(world, item, rotation.schedule if rotation else None)
        said["schedule"] = schedule_fields(schedule)
    if "policy" in item.fields or rotation is None:
        policy = policy_of(world, item, rotation.policy if rotation else None)
        said["policy"] = policy_fields(policy)
    app = item.fields.get("app")
    if rotation and app in {rotation.client_id, rotation.parameter}:
        said["app"] = rotation.app_id
    return with_fields(item, **said)


def mapping_of(item: Item) -> SecretsMapping:
    """Return the names under which readers are to find a rotation's secrets."""
    told: Mapping[str, str] = item.fields["mapping"]  # type: ignore[assignment]
    return SecretsMapping(told["clientId"], told["clientSecret"])


def schedule_of(world: World, item: Item, old: Schedule | None) -> Schedule:
    """Return the schedule that a rotation is to have. Raises InvalidInput."""
    change = schedule_change(item, old)
    return changed_schedule(old or DEFAULT, change, world.clock.now())


def schedule_change(item: Item, old: Schedule | None) -> ScheduleChange:
    """Return what a file asks of a schedule."""
    told: Mapping[str, Any] = item.fields.get("schedule", {})  # type: ignore[assignment]
    dates = DATES & {*told}
    blackouts = told.get("blackouts")
    return ScheduleChange(
        automatic=told.get("automatic"),
        interval_days=told.get("intervalDays"),
        rotate_at=_of(time.fromisoformat, told.get("rotateAt")),
        every=told.get("every", "") if dates else None,
        cron=told.get("cron", "") if dates else None,
        at=told.get("at"),
        zone=told.get("timeZone"),
        windows=told.get("windows"),
        blackouts=None if old and blackouts == old.blackouts else blackouts,
        stagger_s=told.get("staggerSeconds"),
        quarantine_after=told.get("quarantineAfter"),
    )


def policy_of(world: World, item: Item, old: Policy | None) -> Policy:
    """Return how long the turns of a rotation are to take. Raises InvalidInput."""
    return changed_policy(world.limits, old or world.limits.policy, policy_change(item))


def policy_change(item: Item) -> PolicyChange:
    """Return what a file asks of how long turns take their time."""
    told: Mapping[str, Any] = item.fields.get("policy", {})  # type: ignore[assignment]
    return PolicyChange(
        overlap=_of(Overlap, told.get("overlap")),
        overlap_s=told.get("overlapSeconds"),
        soak_s=told.get("soakSeconds"),
        backstop_s=told.get("backstopSeconds"),
        quiet_s=told.get("quietSeconds"),
        log=told.get("readSystemLog"),
        repair=told.get("repairDrift"),
    )


def _of(make: Callable[[str], T], told: str | None) -> T | None:
    return make(told) if told is not None else None


_WAYS: Mapping[Kind, Callable[[World, Item, Standing], Item]] = {
    Kind.CONNECTION: _connection,
    Kind.EXCEPTION: _exception,
    Kind.ROTATION: _rotation,
    Kind.DESTINATION: _destination,
    Kind.CHANNEL: _channel,
    Kind.ROLE: _role,
    Kind.IDENTITY: _identity,
}
