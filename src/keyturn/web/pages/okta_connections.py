"""Keyturn's own access to Okta orgs: whether it works, what it turns, what has drifted there."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from types import MappingProxyType
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.errors import CallerError, KeyturnError, NotFound, OktaError, Refused
from keyturn.domain.ids import ProjectId
from keyturn.domain.okta import KeyAlgorithm
from keyturn.services import gate
from keyturn.services.budgets import Budget, read_budgets
from keyturn.services.connections import (
    check_okta_connection,
    delete_okta_connection,
    list_okta_connections,
    read_okta_connection,
)
from keyturn.services.drift import FindingView, compare_now, list_findings
from keyturn.services.own_key import turn_key
from keyturn.services.projects import Whole, anywhere_in
from keyturn.services.rotations import RotationView, list_rotations
from keyturn.web.faults import require_typed
from keyturn.web.pictures import budget
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.standing import STANDING
from keyturn.web.visiting import Visit

LIST: Final = "/connections/okta"
ONE: Final = f"{LIST}/{{connection_id}}"
METHODS: Final[Mapping[Method, str]] = MappingProxyType(
    {Method.API_TOKEN: "an API token", Method.SERVICE_APP: "the key of a service app"}
)
ALGORITHMS: Final = (
    (KeyAlgorithm.RS256.value, "RS256", "RSA, as most orgs have it."),
    (KeyAlgorithm.ES256.value, "ES256", "An elliptic curve: shorter."),
)


@dataclass(frozen=True)
class OneOkta:
    """An Okta connection, the projects that it may serve, and whoever looks at it."""

    visit: Visit
    of: OktaConnection
    wholes: Sequence[Whole]

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.of.name

    @property
    def href(self) -> str:
        """Return the address of its page."""
        return f"{LIST}/{self.of.id}"

    @property
    def method(self) -> str:
        """Return how Keyturn logs in there, for people."""
        return METHODS[self.of.method]

    @property
    def by_key(self) -> bool:
        """Say whether it has a key that could be turned."""
        return self.of.method is Method.SERVICE_APP

    @property
    def served(self) -> Sequence[Whole]:
        """Return the projects that it may serve, of those that whoever looks may see."""
        return [each for each in self.wholes if self.of.project_id in (None, each.project.id)]

    @property
    def may_use(self) -> bool:
        """Say whether they may have the org asked."""
        mine = [each.project_id for each in self.visit.caller.holdings]
        homes = [self.of.project_id] if self.of.project_id else mine
        return any(self._may(Verb.USE_CONNECTIONS, each) for each in homes)

    @property
    def may_edit(self) -> bool:
        """Say whether they may change it."""
        return self._may(Verb.EDIT_CONNECTIONS, self.of.project_id)

    @property
    def may_turn(self) -> bool:
        """Say whether they may turn its key."""
        return self.may_edit and self._may(Verb.ROTATE, self.of.project_id)

    @property
    def may_delete(self) -> bool:
        """Say whether they may remove it."""
        return self._may(Verb.DELETE_CONNECTIONS, self.of.project_id)

    def command(self, *words: str) -> str:
        """Return a command about it, in a project that it serves; ``...`` stands for its name."""
        told = [self.name if word == "..." else word for word in words]
        served = self.served
        where = ["--project", served[0].project.slug] if served else []
        return shlex.join(["keyturn", *told, *where])

    def require(self, verb: Verb) -> None:
        """Raise Forbidden where whoever looks may not do this with it."""
        self.visit.require(self.name, Target(self.of.project_id, connection_id=self.of.id), verb)

    def _may(self, verb: Verb, project_id: ProjectId | None) -> bool:
        return gate.may(self.visit.caller, verb, Target(project_id, connection_id=self.of.id))


@dataclass(frozen=True)
class Rate:
    """A window of the org's rate limits, whose it is, and its picture."""

    bucket: str
    principal: str
    picture: Markup


async def list_all(visit: Visit) -> Response:
    """List the Okta connections that a project may use."""
    whole, projects = await visit.projects()
    found = await list_okta_connections(visit.world, visit.caller, project_id=whole.project.id)
    used = await _rotations(visit, [whole])
    drifted = await _findings(visit, [whole])
    return visit.render(
        "connections/okta/list.html",
        whole=whole,
        projects=projects,
        rows=[
            (
                OneOkta(visit, each, projects),
                sum(view.connection.id == each.id for view in used),
                sum(view.rotation.connection_id == each.id for view in drifted),
            )
            for each in sorted(found, key=lambda one: one.name)
        ],
        creates=gate.may(visit.caller, Verb.CREATE_CONNECTIONS, Target(whole.project.id)),
    )


async def show(visit: Visit) -> Response:
    """Show one Okta connection."""
    return await show_one(visit)


async def show_one(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Show the connection that the path names, and what became of what was asked of it."""
    one = await find_one(visit)
    every = [e for e in await _rotations(visit, one.served) if e.connection.id == one.of.id]
    drifted = await _findings(visit, one.served)
    now = visit.world.clock.now()
    budgets = await read_budgets(visit.world, visit.caller)
    here = [each for each in budgets if each.window.org == one.of.instance_url]
    return visit.render(
        "connections/okta/show.html",
        status=status_of(error) if error else 200,
        error=error.message if error else "",
        one=one,
        connection=one.of,
        project=next((each.project.name for each in one.served), "") if one.of.project_id else "",
        rotations=[(each, STANDING[each.outlook.state]) for each in every if not _is_own(each)],
        own_key=next(filter(_is_own, every), None),
        findings=[each for each in drifted if each.rotation.connection_id == one.of.id],
        rates=[_rate(number, each, now) for number, each in enumerate(here)],
    )


async def find_one(visit: Visit) -> OneOkta:
    """Return the connection that the path names. Raises NotFound, Forbidden."""
    _, every = await visit.projects()
    connection_id = visit.given("connection_id")
    found = await read_okta_connection(visit.world, visit.caller, connection_id)
    return OneOkta(visit, found, every)


async def check(visit: Visit) -> Response:
    """Ask the org whether it accepts the credentials."""
    connection_id = visit.given("connection_id")
    try:
        found = await check_okta_connection(visit.world, visit.caller, connection_id)
    except OktaError as error:
        return await show_one(visit, error)
    return visit.redirect(
        f"{LIST}/{connection_id}", f"Okta accepts the credentials of {found.name}."
    )


async def compare(visit: Visit) -> Response:
    """Compare every rotation with what is at Okta."""
    connection_id = visit.given("connection_id")
    try:
        looked_at = await compare_now(visit.world, visit.caller, connection_id)
    except OktaError as error:
        return await show_one(visit, error)
    found = await _findings(visit, (await find_one(visit)).served)
    left = sum(each.rotation.connection_id == connection_id for each in found)
    told = f"{left} of them drifted" if left else "nothing has drifted"
    noun = "rotation" if looked_at == 1 else "rotations"
    return visit.redirect(f"{LIST}/{connection_id}", f"Compared {looked_at} {noun}: {told}.")


async def show_turn_key(visit: Visit) -> Response:
    """Say what a turn of Keyturn's own key does at Okta."""
    return _ask_turn(visit, await find_one(visit))


async def turn_own_key(visit: Visit) -> Response:
    """Turn the key by which Keyturn logs in."""
    one, connection_id = await find_one(visit), visit.given("connection_id")
    algorithm = KeyAlgorithm.ES256 if visit.said("algorithm") == "ES256" else KeyAlgorithm.RS256
    try:
        done = await turn_key(visit.world, visit.caller, connection_id, algorithm=algorithm)
    except NotFound:
        raise
    except (CallerError, OktaError) as error:
        return _ask_turn(visit, one, error)
    told = f"{one.name} uses its new key. The old one is deactivated after the overlap."
    return visit.redirect(f"/rotations/{done.rotation.id}", told)


async def show_delete(visit: Visit) -> Response:
    """Say what goes with a connection, and ask for its name."""
    return await _ask_deletion(visit)


async def delete(visit: Visit) -> Response:
    """Remove a connection that no rotation uses, once its name was typed."""
    one = await find_one(visit)
    try:
        require_typed(visit, one.name)
        await delete_okta_connection(visit.world, visit.caller, one.of.id)
    except Refused as error:
        return await _ask_deletion(visit, error.message)
    return visit.redirect(LIST, f"{one.name} is gone. Nothing was changed at Okta.")


def _ask_turn(visit: Visit, one: OneOkta, error: KeyturnError | None = None) -> Response:
    for verb in (Verb.EDIT_CONNECTIONS, Verb.ROTATE):
        one.require(verb)
    return visit.render(
        "connections/okta/turn_key.html",
        status=status_of(error) if error else 200,
        error=error.message if error else "",
        one=one,
        algorithms=ALGORITHMS,
    )


async def _ask_deletion(visit: Visit, error: str = "") -> Response:
    one = await find_one(visit)
    one.require(Verb.DELETE_CONNECTIONS)
    every = [e for e in await _rotations(visit, one.served) if e.connection.id == one.of.id]
    return visit.render(
        "connections/okta/delete.html",
        status=400 if error else 200,
        error=error,
        one=one,
        used=[each.rotation.name for each in every if not _is_own(each)],
    )


def _is_own(view: RotationView) -> bool:
    """Say whether a rotation is that of the connection's own key."""
    return view.rotation.kind.rules.of_connection


async def _rotations(visit: Visit, wholes: Sequence[Whole]) -> Sequence[RotationView]:
    """Return the rotations of projects that whoever looks may see."""
    found: list[RotationView] = []
    for each in wholes:
        if gate.may(visit.caller, Verb.READ_ROTATIONS, anywhere_in(each.project.id)):
            project = each.project.id
            found += await list_rotations(visit.world, visit.caller, project=project)
    return found


async def _findings(visit: Visit, wholes: Sequence[Whole]) -> Sequence[FindingView]:
    """Return what has drifted in projects, as far as whoever looks may see it."""
    found: list[FindingView] = []
    for each in wholes:
        if gate.may(visit.caller, Verb.READ_ROTATIONS, anywhere_in(each.project.id)):
            found += await list_findings(visit.world, visit.caller, project=each.project.id)
    return found


def _rate(number: int, found: Budget, now: datetime) -> Rate:
    window = found.window
    resets_s = max(0, ceil((window.resets_at - now).total_seconds()))
    shown = budget.Budget(
        window.limit,
        window.remaining,
        found.reserve,
        f"in {resets_s} s" if resets_s else "",
    )
    title = f"Rate limit {window.bucket}"
    scheme, _, digest = window.principal.partition(" ")
    principal = f"{scheme} {digest[:8]}".strip()
    picture = budget.draw_budget(f"rate{number}", shown, title=title)
    return Rate(window.bucket, principal, picture)


ROUTES: Final = (
    page(LIST, list_all),
    page(ONE, show),
    action(f"{ONE}/check", check),
    action(f"{ONE}/compare", compare),
    page(f"{ONE}/turn-key", show_turn_key),
    action(f"{ONE}/turn-key", turn_own_key),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
)
