"""Which apps a fleet file can have taken over, by all that is on record of them; Okta is not asked.

The rules are those by which rotations are made; what only Okta knows is left to that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keyturn.domain.errors import FieldProblem
from keyturn.domain.fleetfile.items import Item, Kind, problem_of
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret
from keyturn.domain.okta import Credential, CredentialKind
from keyturn.domain.rotation import no_room, unfit
from keyturn.services.fleet_standing import Standing
from keyturn.services.ports import Reading
from keyturn.services.rotations import RotationView

Logins = Mapping[object, str]
"""The names of connections that log in as a client, by its id."""


def kind_of(item: Item) -> CredentialKind:
    """Return what a rotation of the file turns."""
    return CredentialKind(str(item.fields.get("type", CredentialKind.CLIENT_SECRET)))


def logins_of(items: Iterable[Item], there: Standing) -> Logins:
    """Return as which clients connections log in, also those that the file makes."""
    made = [
        (each.fields.get("clientId"), each.key[0]) for each in items if each.kind is Kind.CONNECTION
    ]
    known = [(each.client_id, name) for name, each in there.connections.items()]
    return {client: name for client, name in [*made, *known] if client}


def unusable(app: ListedApp, kind: CredentialKind, logins: Logins) -> str:
    """Say why there is nothing of a kind to turn of an app, or nothing."""
    told = unfit(app.app_id, app.status, app.auth_method, kind.rules)
    return _own(app.client_id, logins) or told


def crowded(app: ListedApp, secrets: Iterable[ListedSecret], kind: CredentialKind) -> str:
    """Say why an app that no rotation keeps has no room for one more, or nothing.

    Of client keys no inventory tells.
    """
    listed = [Credential(each.okta_id, each.hash, each.status, each.created_at) for each in secrets]
    known = listed if kind is CredentialKind.CLIENT_SECRET else []
    return no_room(app.app_id, known, kind.rules)


async def refused_apps(
    tx: Reading, items: Sequence[Item], there: Standing
) -> Sequence[FieldProblem]:
    """Return what is wrong with the apps that rotations name, each with its line."""
    problems = [*_out_of_reach(items, there)]
    named = (each for each in items if each.kind is Kind.ROTATION and "app" in each.fields)
    new = [each for each in named if each.key not in there.rotations]
    if not new:
        return problems
    record, kept, logins = await _record(tx, there), _kept(there), logins_of(items, there)
    orgs, first = _orgs(items, there), dict[str, Item]()
    for item in new:
        app = record.apps.get((orgs.get(str(item.fields.get("connection")), ""), _app(item)))
        its_id = app.app_id if app else _app(item)
        told = _twice(item, first.setdefault(its_id, item)) or _elsewhere(kept.get(its_id))
        told = told or _refused(item, app, record, logins)
        problems += [problem_of(item, "app", told)] if told else []
    return problems


def _refused(item: Item, app: ListedApp | None, record: "_Record", logins: Logins) -> str:
    kind, name = kind_of(item), str(item.fields.get("connection"))
    if app is not None:
        secrets = record.secrets.get((app.connection_id, app.app_id), ())
        told = unusable(app, kind, logins) or crowded(app, secrets, kind)
        return f"{told} If that has changed, run `keyturn inventory read` first" if told else ""
    if name in record.whole and kind is not CredentialKind.API_SERVICE_SECRET:
        return (
            f"is not in the inventory of {name}: if it is new, run `keyturn inventory read` first"
        )
    return _own(_app(item), logins)


def _own(client_id: str, logins: Logins) -> str:
    if client_id not in logins:
        return ""
    turns = f"`keyturn connection okta turn-key {logins[client_id]}`"
    return f"Connection {logins[client_id]} logs in as this app. Its key is turned by {turns}."


def _twice(item: Item, first: Item) -> str:
    told = f"is taken over by rotation {first.name} (line {first.line}) already"
    return told if first is not item else ""


def _app(item: Item) -> str:
    return str(item.fields["app"]).strip()


def _orgs(items: Iterable[Item], there: Standing) -> Mapping[str, str]:
    made = (each for each in items if each.kind is Kind.CONNECTION)
    known = {name: each.instance_url for name, each in there.connections.items()}
    return {each.key[0]: str(each.fields["instanceUrl"]) for each in made} | known


# --- what is on record ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Record:
    """Apps by their org and either of their ids, and what secrets they have.

    ``whole`` are the connections whose own inventory is complete, by name.
    """

    apps: Mapping[tuple[str, str], ListedApp]
    secrets: Mapping[tuple[str, str], Sequence[ListedSecret]]
    whole: frozenset[str]


async def _record(tx: Reading, there: Standing) -> _Record:
    read = {each.connection_id for each in await tx.list(Inventory) if each.completed_at}
    near = {each.id: each for each in there.connections.values() if each.id in read}
    if not near:
        return _Record({}, {}, frozenset())
    of_near = {"connection_id": frozenset(near)}
    apps: dict[tuple[str, str], ListedApp] = {
        (near[each.connection_id].instance_url, called): each
        for each in await tx.list(ListedApp, **of_near, gone_at=None)
        for called in (each.app_id, each.client_id)
    }
    secrets: dict[tuple[str, str], list[ListedSecret]] = {}
    for one in await tx.list(ListedSecret, **of_near):
        secrets.setdefault((one.connection_id, one.app_id), []).append(one)
    return _Record(apps, secrets, frozenset(each.name for each in near.values()))


def _out_of_reach(items: Sequence[Item], there: Standing) -> Iterable[FieldProblem]:
    """Find rotations whose connection serves another project alone."""
    serves: dict[str, object] = {
        name: there.projects.get(each.project_id or "") for name, each in there.connections.items()
    }
    made = (each for each in items if each.kind is Kind.CONNECTION)
    serves |= {each.key[0]: each.fields.get("project") for each in made if each.id not in there.ids}
    for item in items:
        project = serves.get(str(item.fields.get("connection")))
        if item.kind is Kind.ROTATION and project not in {None, item.key[0]}:
            yield problem_of(item, "connection", f"serves project {project} alone")


def _kept(there: Standing) -> Mapping[str, RotationView]:
    """Return the rotations that keep apps, by either id of the app."""
    return {
        app: view
        for view in (*there.rotations.values(), *there.apart.values())
        for app in (view.rotation.app_id, view.rotation.client_id)
    }


def _elsewhere(view: RotationView | None) -> str:
    if view is None:
        return ""
    return f"is kept by rotation {view.place}:{view.rotation.name}; none moves by a file"
