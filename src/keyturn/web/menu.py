"""The menu: which pages there are to begin with, and to whom each is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keyturn.domain.access import Caller, Target, Verb
from keyturn.services import gate

HOME: Final = "/"
YOU: Final = "/access/you"
ABOVE: Final = Target()
"""What is above all projects."""
PARTLY: Final = Target(somewhere=True)
"""Some of what is above all projects: which part of it, is looked at one by one."""


@dataclass(frozen=True)
class MenuItem:
    """One entry of the menu."""

    text: str
    href: str
    icon: str
    current: bool


@dataclass(frozen=True)
class Way:
    """A page, and the verb that it takes to open it: of ``target``, or somewhere."""

    text: str
    href: str
    verb: Verb | None = None
    target: Target | None = None
    named: bool = True
    """The page names projects, so that it takes to read one as well."""

    def open_to(self, caller: Caller) -> bool:
        """Say whether somebody may open the page."""
        if self.verb is None:
            return True
        if self.named and not caller.may_somewhere(Verb.READ_PROJECT):
            return False
        if self.target:
            return gate.may(caller, self.verb, self.target)
        return caller.may_somewhere(self.verb)


@dataclass(frozen=True)
class Part:
    """An entry of the menu, and the pages that it can lead to: the first that is open counts."""

    text: str
    icon: str
    ways: Sequence[Way]

    def tabs(self, caller: Caller, query: str = "") -> Sequence[tuple[str, str]]:
        """Return those of its pages that somebody may open."""
        return [(way.text, way.href + query) for way in self.ways if way.open_to(caller)]

    def is_at(self, path: str) -> bool:
        """Say whether a page belongs to it."""
        tops = (way.href for way in self.ways)
        return any(path == top or (top != HOME and path.startswith(f"{top}/")) for top in tops)


FLEET: Final = Part(
    "Fleet",
    "app",
    (
        Way("Inventory", "/inventory", Verb.READ_INVENTORY, target=PARTLY, named=False),
        Way("Compliance", "/compliance", Verb.READ_COMPLIANCE, target=ABOVE, named=False),
        Way("Rollouts", "/rollouts", Verb.READ_ROLLOUTS, target=ABOVE, named=False),
        Way("Emergencies", "/emergencies", Verb.READ_ROLLOUTS, target=ABOVE, named=False),
        Way("Leaks", "/leaks", Verb.READ_LEAKS, target=ABOVE, named=False),
    ),
)
CONNECTIONS: Final = Part(
    "Connections",
    "plug",
    (
        Way("OAuth connections", "/connections", Verb.READ_GRANTS),
        Way("Client registrations", "/connections/registrations", Verb.READ_GRANTS),
        Way("Okta access", "/connections/okta", Verb.READ_CONNECTIONS),
        Way("Destinations", "/connections/destinations", Verb.READ_DESTINATIONS),
    ),
)
ACCESS: Final = Part(
    "Access",
    "people",
    (
        Way("People and machines", "/access", Verb.READ_IDENTITIES, target=ABOVE),
        Way("Roles", "/access/roles", Verb.READ_ROLES, target=ABOVE),
        Way("Explain", "/access/explain", Verb.READ_IDENTITIES, target=ABOVE),
        Way("You", YOU),
    ),
)
SETTINGS: Final = Part(
    "Settings",
    "gear",
    (
        Way("Projects", "/settings", Verb.READ_PROJECT),
        Way("Tags", "/settings/tags", Verb.READ_PROJECT),
        Way("Channels", "/settings/channels", Verb.READ_CHANNELS),
        Way("Notices", "/settings/notices", Verb.READ_CHANNELS, named=False),
        Way("Server", "/settings/server", Verb.READ_AUDIT, target=ABOVE, named=False),
    ),
)
MENU: Final[Sequence[Part]] = (
    Part("Overview", "gauge", (Way("", HOME, Verb.READ_ROTATIONS, named=False),)),
    Part("Rotations", "rotate", (Way("", "/rotations", Verb.READ_ROTATIONS, named=False),)),
    FLEET,
    Part("Secrets", "key", (Way("", "/secrets", Verb.DESCRIBE_SECRETS),)),
    CONNECTIONS,
    Part("Flows", "flow", (Way("", "/flows", Verb.READ_FLOWS),)),
    Part("Audit", "list", (Way("", "/audit", Verb.READ_AUDIT, target=ABOVE, named=False),)),
    ACCESS,
    SETTINGS,
)
PARTS: Final = MappingProxyType(
    {"fleet": FLEET, "connections": CONNECTIONS, "access": ACCESS, "settings": SETTINGS}
)
"""Those that have tabs, by the name that templates know them by."""
SANDBOX: Final = Part("Sandbox", "box", (Way("", "/sandbox", Verb.READ_CONNECTIONS),))


def menu_of(caller: Caller, path: str, *, sandboxed: bool) -> Sequence[MenuItem]:
    """Return the menu as a page of a path shows it to somebody: what they may open, and no more."""
    parts = (*MENU, SANDBOX) if sandboxed else MENU
    near = ((part, part.tabs(caller)) for part in parts)
    return [
        MenuItem(part.text, tabs[0][1], part.icon, part.is_at(path)) for part, tabs in near if tabs
    ]
