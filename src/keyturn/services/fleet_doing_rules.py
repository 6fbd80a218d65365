"""What a fleet file asks of compliance and of notices: policies, their exceptions, and channels."""

from collections.abc import Mapping
from typing import Any

from keyturn.domain.channel_kinds import parse_channel_kind
from keyturn.domain.channels import AHEAD_S, ALWAYS
from keyturn.domain.compliance import FindingKind
from keyturn.domain.fleetfile.items import CREDENTIAL, Action, Item, Kind
from keyturn.domain.fleetfile.reading import parse_moment
from keyturn.services import channels, compliance_policies
from keyturn.services.channels import ChannelChange, ChannelDraft
from keyturn.services.compliance_policies import ExceptionDraft
from keyturn.services.fleet_credentials import way_of
from keyturn.services.fleet_hands import Hands, Ways
from keyturn.services.fleet_resolving import timing_of

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
    its_id = hands.its_id(item)
    return (await compliance_policies.edit_policy(hands.world, hands.caller, its_id, fields)).id


async def _delete_policy(hands: Hands, item: Item) -> str:
    await compliance_policies.delete_policy(hands.world, hands.caller, hands.its_id(item))
    return ""


def _policy(item: Item) -> Mapping[str, object]:
    said = {_POLICY[name]: told for name, told in item.fields.items()}
    days = {name: told or None for name, told in said.items() if name.endswith("_days")}
    return said | days


# --- exceptions -----------------------------------------------------------------------------------


async def _create_exception(hands: Hands, item: Item) -> str:
    fields: Mapping[str, Any] = item.fields
    draft = ExceptionDraft(
        selector=fields["selector"],
        reason=fields["reason"],
        expires_at=parse_moment(fields["expiresAt"]),
        policy_id=hands.id_of(Kind.POLICY, fields["policy"]) if fields["policy"] else None,
        kinds=[FindingKind(each) for each in fields["kinds"]],
    )
    made = await compliance_policies.create_exception(hands.world, hands.caller, draft)
    return made.exception.id


async def _update_exception(hands: Hands, item: Item) -> str:
    """Make it anew before the old one goes, so that a crash leaves nothing a breach."""
    made = await _create_exception(hands, item)
    await _delete_exception(hands, item)
    return made


async def _delete_exception(hands: Hands, item: Item) -> str:
    for each in hands.there.exceptions[item.key]:
        await compliance_policies.delete_exception(hands.world, hands.caller, each)
    return ""


# --- channels -------------------------------------------------------------------------------------


async def _create_channel(hands: Hands, item: Item) -> str:
    world, caller = hands.world, hands.caller
    fields: Mapping[str, Any] = item.fields
    draft = ChannelDraft(
        name=item.key[0],
        kind=parse_channel_kind(fields["kind"]),
        settings=fields.get("settings", {}),
        credential=hands.authority(item),
        project=fields.get("project"),
        selector=fields.get("selector", ""),
        kinds=fields.get("kinds", ()),
        timing=timing_of(item) or ALWAYS,
        ahead_s=fields.get("aheadSeconds", AHEAD_S),
    )
    made = await channels.create_channel(world, caller, draft)
    if fields.get("paused"):
        await channels.update_channel(world, caller, made.id, ChannelChange(paused=True))
    return made.id


async def _update_channel(hands: Hands, item: Item) -> str:
    fields: Mapping[str, Any] = item.fields
    before, settings = hands.before(item)["settings"], fields.get("settings")
    led = settings is not None and way_of(item.kind, settings) != way_of(item.kind, before)
    change = ChannelChange(
        settings=settings,
        credential=hands.authority(item) if led and fields.get(CREDENTIAL) else None,
        selector=fields.get("selector"),
        kinds=fields.get("kinds"),
        timing=timing_of(item),
        ahead_s=fields.get("aheadSeconds"),
        paused=fields.get("paused"),
    )
    its_id = hands.its_id(item)
    return (await channels.update_channel(hands.world, hands.caller, its_id, change)).id


async def _delete_channel(hands: Hands, item: Item) -> str:
    await channels.delete_channel(hands.world, hands.caller, hands.its_id(item))
    return ""


WAYS: Ways = {
    Kind.POLICY: {
        Action.CREATE: _create_policy,
        Action.UPDATE: _update_policy,
        Action.DELETE: _delete_policy,
    },
    Kind.EXCEPTION: {
        Action.CREATE: _create_exception,
        Action.UPDATE: _update_exception,
        Action.DELETE: _delete_exception,
    },
    Kind.CHANNEL: {
        Action.CREATE: _create_channel,
        Action.UPDATE: _update_channel,
        Action.DELETE: _delete_channel,
    },
}
