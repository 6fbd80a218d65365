"""Which apps of an inventory are wanted, and what a list shows of each."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from keyturn.domain.access import Verb
from keyturn.domain.errors import InvalidInput
from keyturn.domain.inventory_totals import AgeBand, Narrowing, band_of
from keyturn.domain.okta import SECRET_METHODS, CredentialKind, Status
from keyturn.domain.selector import EVERYTHING, Selector
from keyturn.services.inventory_views import InventoriedApp, InventoriedSecret
from keyturn.services.projects import anywhere_in, list_projects
from keyturn.services.selectors import read_selector
from keyturn.web.one_rotation import MAKING
from keyturn.web.pages.wizard_answers import Answers
from keyturn.web.pages.wizard_apps import METHODS
from keyturn.web.pages.wizard_configuration import CONFIGURATION
from keyturn.web.pictures.ages import Bin
from keyturn.web.pictures.tones import Tone
from keyturn.web.visiting import Visit

LIST: Final = "/inventory"
TONES: Final[Mapping[AgeBand, Tone]] = {
    AgeBand.MONTH: "good",
    AgeBand.QUARTER: "good",
    AgeBand.HALF: "busy",
    AgeBand.YEAR: "warn",
    AgeBand.OLDER: "bad",
}
KEPT: Final = (("", "All"), ("yes", "Kept by a rotation"), ("no", "Kept by none"))
KNOWN: Final = (("", "All"), ("foreign", "Some that no rotation knows"))


@dataclass(frozen=True)
class Wanted:
    """What a list is asked for, as its address says it; ``problem`` is what is wrong with that."""

    typed: str
    selector: Selector
    kept: str
    foreign: bool
    age: AgeBand | None
    start: int
    problem: InvalidInput | None = None

    @property
    def narrowed(self) -> bool:
        """Say whether anything is left out."""
        return bool(self.typed or self.kept or self.foreign or self.age)

    @property
    def narrowing(self) -> Narrowing:
        """Return how apps have to be, the age of their client secrets apart."""
        return Narrowing({"yes": True, "no": False}.get(self.kept), self.foreign)

    def href(self, **changes: str) -> str:
        """Return the address of the list with something else wanted, from its beginning."""
        plain = {
            "selector": self.typed,
            "kept": self.kept,
            "secrets": "foreign" if self.foreign else "",
            "age": self.age or "",
        }
        query = {name: value for name, value in (plain | changes).items() if value}
        return f"{LIST}?{urlencode(query)}" if query else LIST

    @property
    def command(self) -> str:
        """Return the command that lists what is wanted."""
        kept = {"yes": ["--managed"], "no": ["--unmanaged"]}.get(self.kept, [])
        foreign = ["--foreign"] if self.foreign else []
        age = ["--age", self.age.value] if self.age else []
        words = ("keyturn", "inventory", "show", *self.selector.patterns)
        return shlex.join([*words, *kept, *foreign, *age])


@dataclass(frozen=True)
class Row:
    """An app in the list: how it authenticates, its oldest client secret, and its last use."""

    of: InventoriedApp
    method: str
    oldest: datetime | None
    tone: str
    used_at: datetime | None
    makes: str
    """Where a rotation is made of it; empty where none can be, or not by whoever looks."""


@dataclass(frozen=True)
class Maker:
    """In which projects somebody makes rotations: the first, and those by id."""

    places: Mapping[str, str]

    def wizard(self, one: InventoriedApp) -> str:
        """Return where the wizard begins with an app; empty where it can make nothing of it."""
        app, own = one.app, one.connection.project_id
        kind = CredentialKind.CLIENT_KEY if app.uses_keys else CredentialKind.CLIENT_SECRET
        fit = app.uses_keys or app.auth_method in SECRET_METHODS
        project = self.places.get(own, "") if own else next(iter(self.places.values()), "")
        if one.managed or not fit or not project or app.status is not Status.ACTIVE:
            return ""
        return wizard_of(one.connection.id, app.app_id, app.label, project=project, kind=kind)


def wizard_of(connection: str, app: str, label: str, **more: str) -> str:
    """Return where the wizard begins with an app of a connection."""
    answers = Answers(
        connection=connection, app=app, label=label, search=label, searched=label, **more
    )
    return answers.link(CONFIGURATION.name)


async def maker_of(visit: Visit) -> Maker:
    """Find where whoever looks makes rotations."""
    if not all(visit.caller.may_somewhere(verb) for verb in (*MAKING, Verb.READ_PROJECT)):
        return Maker({})
    every = await list_projects(visit.world, visit.caller)
    near = (each.project for each in every)
    mine = [each for each in near if all(visit.may(v, anywhere_in(each.id)) for v in MAKING)]
    return Maker({each.id: each.slug for each in mine})


def wanted_of(visit: Visit) -> Wanted:
    """Read the address; what does not fit is not wanted."""
    query = visit.query
    typed, start, problem = query.get("selector", "").strip(), query.get("start", ""), None
    try:
        selector = read_selector(visit.world, typed)
    except InvalidInput as error:
        selector, problem = EVERYTHING, error
    return Wanted(
        typed=typed,
        selector=selector,
        kept=next((each for each, _ in KEPT if each == query.get("kept")), ""),
        foreign=query.get("secrets") == "foreign",
        age=next((each for each in AgeBand if each == query.get("age")), None),
        start=int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0,
        problem=problem,
    )


def rows_of(apps: Sequence[InventoriedApp], making: Maker, now: datetime) -> Sequence[Row]:
    """Return rows of apps."""
    return [_row(each, making, now) for each in apps]


def by_age(one: InventoriedApp) -> tuple[bool, float, str]:
    """Return by what apps are sorted: the oldest client secret first, then by label."""
    made = [each.listed.created_at.timestamp() for each in _accepted(one)]
    return not made, min(made, default=0.0), one.app.label.casefold()


def bins_of(ages: Mapping[AgeBand, int], wanted: Wanted) -> Sequence[Bin]:
    """Return the bars of a picture of ages, each leading to the apps that are in it."""
    return [
        Bin(
            named(band),
            count,
            TONES[band],
            "",
            wanted.href(age=band),
            over=band is AgeBand.OLDER,
            unit="days",
        )
        for band, count in ages.items()
    ]


def named(band: AgeBand) -> str:
    """Return a band of ages as people write it."""
    return f"> {band[:-1]}" if band.endswith("+") else band.replace("-", "–")


def _accepted(one: InventoriedApp) -> Sequence[InventoriedSecret]:
    return [each for each in one.secrets if each.listed.status is Status.ACTIVE]


def _row(one: InventoriedApp, making: Maker, now: datetime) -> Row:
    oldest = min((each.listed.created_at for each in _accepted(one)), default=None)
    used = (each.listed.used_at for each in one.secrets if each.listed.used_at)
    return Row(
        one,
        METHODS.get(one.app.auth_method, one.app.auth_method),
        oldest,
        TONES[band_of(oldest, now)] if oldest else "",
        max(used, default=None),
        making.wizard(one),
    )
