"""Faults by route: what goes wrong, how often, and by which seeded chance.

Decides only which fault strikes a request; carrying it out is the server's business.
"""

from collections.abc import Callable, Container
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Literal, get_args

from keyturn.sandbox.http import Json

Kind = Literal[
    "drop-before-effect",
    "drop-after-effect",
    "error-before-effect",
    "error-after-effect",
    "rate-limit",
    "delay",
    "delay-after-effect",
    "html",
    "truncate",
    "cut",
    "slow",
    "wrong-clock",
    "stale-read",
    "empty-list",
    "duplicate-page",
    "looping-page",
    "token-revoked",
    "scope-removed",
    "role-removed",
    "app-deactivated",
    "app-deleted",
    "secret-added",
    "secret-deactivated",
    "secret-removed",
    "secrets-switched-to-keys",
]
When = Literal["before", "after"]
LONGEST_S = 86_400 * 366
STATUSES = frozenset(map(str, range(200, 600)))
KINDS: tuple[str, ...] = get_args(Kind)
_READS = ("stale-read", "empty-list", "duplicate-page", "looping-page")
BY_SOMEBODY_ELSE: tuple[str, ...] = KINDS[KINDS.index("app-deactivated") :]
COUNT_MAX = 1_000_000
_WHOLE = f"{{}} is a whole number from 0 to {COUNT_MAX}"
METHODS = ("*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    `route` is a pattern such as `/api/v1/apps/{appId}/credentials/secrets`, or `*`. The first
    `skip` requests that fit pass; then each is struck with `probability`, `count` times in all
    (None: until removed). `seconds` is the length of a delay, the lag of a stale read, the time
    that a slow answer takes, or how far a wrong clock is ahead. `status` is that of an error or an
    HTML page (default 500 and 502). `token-revoked`, `scope-removed` and `role-removed` change the
    org when they strike: what the request comes with is gone, and stays so. The kinds in
    `BY_SOMEBODY_ELSE` fit requests that name an app; another admin changes that app just before
    the effect of the request, or just after it: `when`.
    """

    kind: Kind
    method: str = "*"
    route: str = "*"
    count: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    skip: int = 0
    status: int | None = None
    when: When = "before"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            known = ", ".join(KINDS)
            raise ValueError(f"unknown fault kind {str(self.kind)[:40]!r}; known: {known}")
        for holds, otherwise in _CHECKS:
            if not holds(self):
                raise ValueError(otherwise)

    def fits(
        self,
        method: str,
        route: str,
        query: Container[str] = (),
        *,
        names_app: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Tell whether a request falls under this rule; only further pages come twice."""
        if self.kind in _READS and method != "GET":
            return False
        if self.kind == "duplicate-page" and "after" not in query:
            return False
        if self.method not in ("*", method) or self.route not in ("*", route):
            return False
        return self.kind not in BY_SOMEBODY_ELSE or names_app()


def _is_number(value: object, least: float, most: float = 1e300) -> bool:
    """Tell whether this is a number in a range; truth values are none."""
    return isinstance(value, int | float) and type(value) is not bool and least <= value <= most


def _is_count(value: object) -> bool:
    return _is_number(value, 0, COUNT_MAX) and repr(value).isdecimal()


_CHECKS: tuple[tuple[Callable[[Fault], bool], str], ...] = (
    (lambda fault: fault.method in METHODS, f"method is one of {', '.join(METHODS)}"),
    (
        lambda fault: type(fault.route) is str,
        "route is a path with its parameters named, such as /api/v1/apps/{appId}, or *",
    ),
    (lambda fault: fault.count is None or _is_count(fault.count), _WHOLE.format("count")),
    (lambda fault: _is_count(fault.skip), _WHOLE.format("skip")),
    (lambda fault: _is_number(fault.probability, 0, 1), "probability is a number from 0 to 1"),
    (
        lambda fault: _is_number(fault.seconds, -LONGEST_S, LONGEST_S),
        f"seconds is a number from -{LONGEST_S} to {LONGEST_S}",
    ),
    (
        lambda fault: fault.status is None or repr(fault.status) in STATUSES,
        "status is a whole number from 200 to 599",
    ),
    (lambda fault: fault.when in ("before", "after"), "when is before or after"),
    (
        lambda fault: fault.when == "before" or fault.kind in BY_SOMEBODY_ELSE,
        f"only these can come after the effect: {', '.join(BY_SOMEBODY_ELSE)}",
    ),
)


@dataclass(slots=True)
class _Rule:
    id: str
    fault: Fault
    seen: int = 0
    struck: int = 0

    def strikes(self, chance: Random) -> bool:
        self.seen += 1
        if self.seen <= self.fault.skip or self.struck == self.fault.count:
            return False
        if self.fault.probability < 1.0 and chance.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


class FaultBook:
    """The rules in force; the first that strikes wins."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(f"faults:{seed}")
        self._rules: list[_Rule] = []
        self._numbered = 0

    def add(self, fault: Fault) -> str:
        """Put a rule in force and return its id."""
        self._numbered += 1
        rule = _Rule(f"flt{self._numbered}", replace(fault))
        self._rules.append(rule)
        return rule.id

    def remove(self, fault_id: str | None = None) -> None:
        """Lift one rule, or all of them."""
        self._rules = [rule for rule in self._rules if fault_id not in (None, rule.id)]

    def list(self) -> list[dict[str, Json]]:
        """Return the rules with how often each fitted and struck."""
        return [
            {"id": rule.id, **asdict(rule.fault), "seen": rule.seen, "struck": rule.struck}
            for rule in self._rules
        ]

    def draw(
        self,
        method: str,
        route: str,
        query: Container[str] = (),
        *,
        names_app: Callable[[], bool] = lambda: False,
    ) -> Fault | None:
        """Return the fault that strikes this request, if any.

        `names_app` tells whether the request names an app that exists; it is only asked when the
        answer matters.
        """
        for rule in self._rules:
            fits = rule.fault.fits(method, route, query, names_app=names_app)
            if fits and rule.strikes(self._chance):
                return rule.fault
        return None

    def give_back(self, fault: Fault) -> None:
        """Do not count the last strike of a fault, for it could not be carried out."""
        for rule in self._rules:
            if rule.fault is fault:
                rule.struck -= 1
