"""What each change of a fleet file asks of Okta, call by call, and when by the allowed rate.

Where apps have what is asked for is told by the plans of rotations; this only counts the seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from keyturn.domain.budget import WINDOW_S, limits_of, rate_of
from keyturn.domain.connection import Method
from keyturn.domain.fleetfile.items import Action, Change, Kind
from keyturn.domain.ids import AppId, ClientId
from keyturn.domain.inventory import ListedApp
from keyturn.domain.okta import CredentialKind
from keyturn.domain.okta_paths import APPS_PATH, ME_PATH, TOKEN_PATH
from keyturn.services.creation_plans import steps_of_adoption
from keyturn.services.fleet_apps import kind_of
from keyturn.services.fleet_credentials import sent_with
from keyturn.services.fleet_standing import Standing
from keyturn.services.plans import PlannedStep
from keyturn.services.ports import World

ID = "{appId}"
PROOFS = {Method.API_TOKEN: f"GET {ME_PATH}", Method.SERVICE_APP: f"POST {TOKEN_PATH}"}
SHARED = "/credentials/"
"""Calls of an app's credentials count against one narrow limit, as lists of apps do."""


@dataclass(frozen=True)
class OktaCall:
    """A call of Okta; ``told`` is what for, ``at_s`` by which second from the start on."""

    method: str
    path: str
    told: str
    at_s: int


@dataclass(frozen=True)
class Cost:
    """What a change asks of Okta at most, and by which second of all that is allowed.

    ``app`` is as the file names it, with its ``label`` where the inventory knows it.
    """

    calls: Sequence[OktaCall]
    ends_s: int
    org: str = ""
    app: str = ""
    label: str = ""


async def costs_of(world: World, changes: Sequence[Change], there: Standing) -> Sequence[Cost]:
    """Tell what changes cost that are made one after the other, as far as Okta has told rates."""
    told, shares = limits_of(await world.okta.list_windows()), world.limits.shares
    orgs, labels = _orgs(changes, there), await _labels(world, changes)
    seconds, costs = 0.0, list[Cost]()
    for change in changes:
        fields = change.item.fields
        steps, calls = _steps(change), list[OktaCall]()
        org = orgs.get(str(fields.get("connection", change.item.key[0])), "") if steps else ""
        each_s = WINDOW_S / rate_of(told.get(org), shares)
        for told_of, call in ((each.told, call) for each in steps for call in each.calls):
            method, path = call.split(" ")
            seconds += each_s if SHARED in path or path == APPS_PATH else 0
            calls.append(OktaCall(method, path, told_of, round(seconds)))
        app = str(fields.get("app", ""))
        costs.append(Cost(calls, round(seconds), org, app, labels.get(app, "")))
    return costs


def _steps(change: Change) -> Sequence[PlannedStep]:
    """Return what a change does at Okta, and by which calls at most."""
    fields = change.item.fields
    if change.item.kind is Kind.CONNECTION and sent_with(change):
        proof = PROOFS[Method(str(fields["method"]))], f"GET {APPS_PATH}"
        return [PlannedStep("prove the credential, and list one app", proof)]
    if change.action is not Action.ADOPT:
        return []
    kind = kind_of(change.item)
    steps = steps_of_adoption(kind, ID)
    if kind is not CredentialKind.CLIENT_SECRET:
        return steps
    seen, add, last = steps
    unless = f"{add.told}; not where that can be served"
    return [seen, replace(add, told=unless), last]


def _orgs(changes: Iterable[Change], there: Standing) -> Mapping[str, str]:
    """Return the addresses of orgs by the names of connections, also of new ones."""
    known = {name: each.instance_url for name, each in there.connections.items()}
    items = (each.item for each in changes if each.item.kind is Kind.CONNECTION)
    return known | {item.key[0]: str(item.fields.get("instanceUrl", "")) for item in items}


async def _labels(world: World, changes: Iterable[Change]) -> Mapping[str, str]:
    """Return what the inventory calls the apps that are taken over."""
    apps = {str(each.item.fields["app"]) for each in changes if each.action is Action.ADOPT}
    if not apps:
        return {}
    async with world.store.reading() as tx:
        by_id = await tx.list(ListedApp, app_id=frozenset(map(AppId, apps)))
        by_client = await tx.list(ListedApp, client_id=frozenset(map(ClientId, apps)))
    return {each.client_id: each.label for each in by_client} | {
        each.app_id: each.label for each in by_id
    }
