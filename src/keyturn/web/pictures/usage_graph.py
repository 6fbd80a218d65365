"""What hangs on a client secret: from the rotation that turns it to the flows that would notice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from markupsafe import Markup

from keyturn.domain.flows.run import Phase, Run
from keyturn.domain.oauth.consumers import Adoption, Consumer
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import Standing
from keyturn.domain.rotation import Rotation
from keyturn.services.usage import ConnectionUse, FlowUse, RegistrationUse, Usage
from keyturn.web.pictures.graph import draw_graph
from keyturn.web.pictures.nodes import Edge, Node
from keyturn.web.pictures.outline import draw_outline
from keyturn.web.pictures.svg import el
from keyturn.web.pictures.tones import Tone

MOST: Final = 8
"""How many of a kind are drawn that hang on the same; of more, the healthy ones are left out."""

LIGHTS: Final[Mapping[Light, tuple[Tone, str]]] = {
    Light.BROKEN: ("bad", "broken"),
    Light.AT_RISK: ("warn", "at risk"),
    Light.UNKNOWN: ("idle", "nothing seen of it yet"),
    Light.HEALTHY: ("good", "healthy"),
}
_ADOPTIONS: Final[Mapping[Adoption, str]] = {
    Adoption.LIVE: "reads it on each use",
    Adoption.RELOAD: "reads it when told to",
    Adoption.RESTART: "reads it when it starts",
}
_PHASES: Final[Mapping[Phase, Tone]] = {
    Phase.RUNNING: "busy",
    Phase.SLEEPING: "busy",
    Phase.FINISHED: "good",
    Phase.FAILED: "bad",
    Phase.CANCELLED: "idle",
}
_TROUBLE: Final[Sequence[Tone]] = ("bad", "warn", "busy", "idle", "good", "")
"""In which order nodes are kept where there are too many."""

Href = Callable[[str, str], str]
"""Where something leads, by its kind and its id (readers, destinations and aliases: its name)."""


def _nowhere(_: str, __: str) -> str:
    return ""


def draw_usage(picture_id: str, usage: Usage, *, href: Href = _nowhere, title: str = "") -> Markup:
    """Draw what hangs on a client secret; in a small window, as an outline.

    ``href`` gives where a rotation, registration, connection, alias, flow, consumer, reader or
    destination leads.
    """
    nodes, edges = graph_of(usage, href)
    troubled = [node.title for node in nodes if node.tone in ("bad", "warn")]
    desc = f"In trouble, or soon: {', '.join(troubled)}." if troubled else "Nothing is in trouble."
    title = title or "What hangs on the client secret"
    wide = draw_graph(picture_id, nodes, edges, title=title, desc=desc)
    narrow = draw_outline(f"{picture_id}-narrow", nodes, edges, title=title, desc=desc)
    return el("div", wide, class_="pic-wide") + el("div", narrow, class_="pic-narrow")


def graph_of(usage: Usage, href: Href = _nowhere) -> tuple[list[Node], list[Edge]]:
    """Return what hangs on a client secret as nodes and edges."""
    web = _Web(href)
    web.nodes["root"] = _root(usage, href)
    web.hang(
        "root", "client registration", [_registration(each, href) for each in usage.registrations]
    )
    for each in usage.registrations:
        if f"registration:{each.view.registration.id}" in web.nodes:
            web.registration(each)
    for kind, names in (("reader", usage.readers), ("destination", usage.destinations)):
        found = [Node(f"{kind}:{name}", name, kind, href=href(kind, name)) for name in names]
        web.hang("root", kind, found)
    return [*web.nodes.values()], web.edges


@dataclass
class _Web:
    """What was found so far."""

    href: Href
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def hang(self, tail: str, kind: str, found: Iterable[Node], label: str = "") -> None:
        """Hang nodes of a kind on another, the first so many of them, and say how many more."""
        found = [*found]
        left = sorted(found, key=lambda each: _TROUBLE.index(each.tone))[MOST:]
        gone = {each.id for each in left}
        if left:
            more = Node(f"{tail}+{kind}", f"{len(left)} more", f"{kind}s")
            found = [*(each for each in found if each.id not in gone), more]
        for node in found:
            self.nodes.setdefault(node.id, node)
            self.edges.append(Edge(tail, node.id, label))

    def registration(self, use: RegistrationUse) -> None:
        """Hang what uses a registration on it."""
        one, version = use.view.registration, use.view.version
        at = f"registration:{one.id}"
        self.hang(at, "connection", [_connection(each, self.href) for each in use.connections])
        for each in use.connections:
            if f"connection:{each.connection.id}" in self.nodes:
                self.flows(each)
        self.hang(at, "consumer", [_consumer(each, version, self.href) for each in use.consumers])

    def flows(self, use: ConnectionUse) -> None:
        """Hang the flows that use a connection on it, or on the flows by which they do."""
        at = f"connection:{use.connection.id}"
        ids = {each.saved.name: f"flow:{each.saved.id}" for each in use.flows}
        direct = [each for each in use.flows if not each.through]
        self.hang(at, "flow", [_flow(each, self.href) for each in direct])
        free = [each for each in use.aliases if each.name not in _named(use)]
        self.hang(
            at,
            "alias",
            [Node(f"alias:{a.id}", a.name, "alias", href=self.href("alias", a.name)) for a in free],
        )
        for helper, there in ids.items():
            callers = [each for each in use.flows if helper in each.through]
            if there in self.nodes:
                self.hang(there, "flow", [_flow(each, self.href) for each in callers], "run by")


def _named(use: ConnectionUse) -> frozenset[str]:
    """Return the names by which flows use a connection."""
    return frozenset(chain.from_iterable(each.flow.connections for each in use.flows))


# --- nodes ---------------------------------------------------------------------------------------


def _root(usage: Usage, href: Href) -> Node:
    found = usage.rotation
    if found is None:
        return Node("root", "Client secret", "", "No rotation keeps it", "warn", shape="pill")
    tone, note = _standing(found, log_readable=usage.log_readable)
    return Node("root", found.name, "rotation", note, tone, href("rotation", found.id), "pill")


def _standing(rotation: Rotation, *, log_readable: bool | None) -> tuple[Tone, str]:
    if rotation.last_message:
        return "bad", rotation.last_message
    if log_readable is False:
        return "warn", "Okta's System Log cannot be read"
    return "", f"turns the client secret of app {rotation.app_id}"


def _registration(use: RegistrationUse, href: Href) -> Node:
    one, version = use.view.registration, use.view.version
    tone: Tone = "idle"
    told = f"version {version}, not proved yet"
    if one.standing is Standing.REJECTED:
        tone, told = "bad", one.told or f"version {version} is rejected"
    elif use.health.reasons:
        tone, told = LIGHTS[use.health.light][0], " ".join(use.health.reasons)
    elif one.proved_version >= version:
        tone, told = "good", f"version {version}, proved"
    elif one.proved_version:
        tone, told = "warn", f"version {version}; {one.proved_version} is the last that is proved"
    kind = "client registration"
    return Node(f"registration:{one.id}", one.name, kind, told, tone, href("registration", one.id))


def _connection(use: ConnectionUse, href: Href) -> Node:
    one = use.connection
    tone, _ = LIGHTS[use.health.light]
    used = sorted(_named(use) & {alias.name for alias in use.aliases})
    kind = f"connection, as {', '.join(used)}" if used else "connection"
    link = href("connection", one.id)
    return Node(f"connection:{one.id}", one.name, kind, _why(use.health), tone, link)


def _why(health: Health) -> str:
    """Return how a connection does: when it fails, and why."""
    _, word = LIGHTS[health.light]
    fails = f"Fails {health.fails_at:%Y-%m-%d %H:%M} UTC." if health.fails_at else ""
    return " ".join(each for each in (fails, *health.reasons) if each) or word


def _consumer(one: Consumer, version: int, href: Href) -> Node:
    uses = f"uses version {one.confirmed}" if one.confirmed else "uses none yet"
    inside = f"in Okta Workflows: {one.workflows}" if one.workflows else _ADOPTIONS[one.adoption]
    tone: Tone = "good" if one.confirmed >= version else "warn" if one.required else "idle"
    link = href("consumer", one.id)
    return Node(f"consumer:{one.id}", one.name, "consumer", f"{uses}; {inside}", tone, link)


def _flow(use: FlowUse, href: Href) -> Node:
    tone, told = _ran(use.last)
    if not use.saved.enabled:
        tone, told = "idle", "switched off"
    link = href("flow", use.saved.id)
    return Node(f"flow:{use.saved.id}", use.saved.name, "flow", told, tone, link, "part")


def _ran(last: Run | None) -> tuple[Tone, str]:
    if last is None:
        return "idle", "has not run yet"
    return _PHASES[last.phase], f"{last.phase.value}, {last.created_at:%Y-%m-%d %H:%M} UTC"
