"""OAuth connections: how each does, what was granted, and what hangs on it. Shows no token."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import Light
from keyturn.services.oauth_connections import ConnectionView, list_connections, read_connection
from keyturn.services.projects import Whole, anywhere_in
from keyturn.services.usage import ConnectionUse, Usage, list_health, usage_of_connection
from keyturn.web.elsewhere import count_elsewhere
from keyturn.web.lights import LIGHTS
from keyturn.web.menu import CONNECTIONS
from keyturn.web.pictures.usage_graph import draw_usage
from keyturn.web.problems import status_of
from keyturn.web.routing import page
from keyturn.web.standing import Standing
from keyturn.web.subject import Subject
from keyturn.web.visiting import Visit

LIST: Final = "/connections"
ONE: Final = f"{LIST}/{{connection_id}}"
LEADS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rotation": "/rotations/{}",
        "registration": "/connections/registrations/{}",
        "connection": "/connections/{}",
        "flow": "/flows/{}",
    }
)
"""Where the nodes of the picture lead; the others have no page of their own."""
GRANTS: Final[Mapping[GrantType, str]] = MappingProxyType(
    {
        GrantType.CODE: "Consent in a browser",
        GrantType.DEVICE: "Consent at another device",
        GrantType.CLIENT_CREDENTIALS: "The client itself",
        GrantType.JWT_BEARER: "An assertion",
        GrantType.EXCHANGE: "Another connection's token",
        GrantType.PASSWORD: "A user name and a password",
        GrantType.REFRESH: "A refresh token from elsewhere",
        GrantType.NONE: "No tokens",
    }
)
"""By what a connection comes to its tokens, for people."""
CONSENTED: Final = frozenset({GrantType.CODE, GrantType.DEVICE})
"""The grants that somebody consents to."""
REGISTERING: Final = (Verb.EDIT_GRANTS, Verb.READ_SECRETS)
"""What it takes to make a registration, or to give it another secret."""
UNTOLD: Final = frozenset({"openid", "offline_access"})
"""Scopes that not every server answers with: whether they were granted shows in the tokens."""


@dataclass(frozen=True)
class Row:
    """A connection in the list."""

    one: Subject
    view: ConnectionView
    health: Health

    @property
    def standing(self) -> Standing:
        """Return how it does, for people."""
        return LIGHTS[self.health.light]


async def list_all(visit: Visit) -> Response:
    """List the connections of a project, those in trouble first.

    Who may see none of them is led to the first list that they may see.
    """
    open_to = CONNECTIONS.tabs(visit.caller)
    if open_to and not visit.caller.may_somewhere(Verb.READ_GRANTS):
        return visit.redirect(open_to[0][1])
    whole, projects = await visit.projects()
    views = await list_connections(visit.world, visit.caller, project=whole.project.id)
    health = await list_health(visit.world, views)
    counts = Counter(each.light for each in health)
    wanted = next((each for each in Light if each == visit.query.get("health")), None)
    order = [*Light]
    rows = [
        Row(subject_of(visit, view), view, each)
        for view, each in zip(views, health, strict=True)
        if wanted in (None, each.light)
    ]
    return visit.render(
        "connections/list.html",
        whole=whole,
        projects=projects,
        rows=sorted(rows, key=lambda row: (order.index(row.health.light), row.one.name)),
        wanted=wanted,
        tiles=[(LIGHTS[each], each.value, counts[each]) for each in Light if counts[each]],
        elsewhere=()
        if views
        else await count_elsewhere(visit, LIST, Verb.READ_GRANTS, list_connections),
        creates=creates(visit, whole),
        grants=GRANTS,
    )


async def show(visit: Visit) -> Response:
    """Show one connection."""
    return await show_one(visit)


async def show_one(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Show the connection that the path names; ``error`` is what became of what was asked of it."""
    world, caller, connection_id = visit.world, visit.caller, visit.given("connection_id")
    view = await read_connection(world, caller, connection_id)
    usage = await usage_of_connection(world, caller, connection_id)
    one = subject_of(visit, view)
    (registration,) = usage.registrations
    (use,) = registration.connections
    return visit.render(
        "connections/show.html",
        status=status_of(error) if error else 200,
        error=error.message if error else "",
        one=one,
        view=view,
        connection=view.connection,
        health=use.health,
        standing=LIGHTS[use.health.light],
        grant=GRANTS[view.connection.grant_type],
        consented=view.connection.grant_type in CONSENTED,
        wants=_wants(view),
        scopes=_scopes(view.connection),
        served=registration.view.version,
        uses=registration.view,
        usage=usage,
        picture=_picture(usage),
        aliases=use.aliases,
        others=await _others(visit, one, view),
        flows=_flows(use),
        public=visit.house.public_url,
    )


def subject_of(visit: Visit, view: ConnectionView) -> Subject:
    """Return a connection as what a page is about."""
    return Subject(visit, view.connection.id, view.connection.name, view.place, LIST)


def creates(visit: Visit, whole: Whole) -> bool:
    """Say whether they may make connections somewhere in a project."""
    return visit.may(Verb.EDIT_GRANTS, anywhere_in(whole.project.id))


def registers(visit: Visit, whole: Whole) -> bool:
    """Say whether they may make registrations somewhere in a project."""
    return all(visit.may(each, anywhere_in(whole.project.id)) for each in REGISTERING)


def _wants(view: ConnectionView) -> str:
    """Say why somebody is to consent, in one word: first, again, or for other scopes."""
    if view.connection.grant_type not in CONSENTED:
        return ""
    if view.connection.state is State.NEW:
        return "first"
    if view.connection.state is State.LAPSED:
        return "again"
    return "scopes" if view.lacking else ""


def _scopes(connection: Connection) -> Sequence[tuple[str, str, str]]:
    """Return every scope with how it stands, in a word and a tone: what lacks first."""
    if connection.tokens is None:
        return [(each, "asked for", "idle") for each in connection.scopes]
    wanted, granted = connection.scopes, connection.granted
    known = {*granted, *UNTOLD}
    lacking = [(each, "not granted", "warn") for each in wanted if each not in known]
    untold = [(each, "asked for", "idle") for each in wanted if each in UNTOLD - {*granted}]
    given = [(each, "granted", "good") for each in wanted if each in granted]
    more = [(each, "granted, not asked for", "idle") for each in granted if each not in wanted]
    return [*lacking, *given, *untold, *more]


def _picture(usage: Usage) -> Markup:
    def lead(kind: str, key: str) -> str:
        return LEADS[kind].format(key) if kind in LEADS else ""

    return draw_usage("usage", usage, href=lead, title="From the client secret to what would fail")


def _flows(use: ConnectionUse) -> Sequence[str]:
    return sorted(each.saved.name for each in use.flows)


async def _others(visit: Visit, one: Subject, view: ConnectionView) -> Sequence[tuple[str, str]]:
    """Return where aliases can be led: the other connections of the folder, for who may do so."""
    if not one.may(Verb.EDIT_GRANTS):
        return ()
    every = await list_connections(visit.world, visit.caller, project=view.place.project.id)
    mine = view.connection
    return [
        (each.connection.id, each.connection.name)
        for each in every
        if each.connection.folder_id == mine.folder_id and each.connection.id != mine.id
    ]


ROUTES: Final = (page(LIST, list_all), page(ONE, show))
