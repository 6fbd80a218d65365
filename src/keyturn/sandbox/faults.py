"""Faults by route: what goes wrong, how often, and by which seeded chance.

Decides only which fault strikes a request; carrying it out is the server's business.
"""

from collections.abc import Container
from dataclasses import asdict, dataclass
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
]
LONGEST_S = 86_400 * 366
KINDS: tuple[str, ...] = get_args(Kind)
_READS = ("stale-read", "empty-list", "duplicate-page", "looping-page")


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    `route` is a pattern such as `/api/v1/apps/{appId}/credentials/secrets`, or `*`. The first
    `skip` requests that fit pass; then each is struck with `probability`, `count` times in all
    (None: until removed). `seconds` is the length of a delay, the lag of a stale read, the time
    that a slow answer takes, or how far a wrong clock is ahead. `status` is that of an error or an
    HTML page (default 500 and 502). `token-revoked`, `scope-removed` and `role-removed` change the
    org when they strike: what the request comes with is gone, and stays so.
    """

    kind: Kind
    method: str = "*"
    route: str = "*"
    count: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    skip: int = 0
    status: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}")
        if not 0 <= self.probability <= 1:
            raise ValueError("probability is from 0 to 1")
        if not -LONGEST_S <= self.seconds <= LONGEST_S:
            raise ValueError(f"seconds is from -{LONGEST_S} to {LONGEST_S}")
        for name, number in (("count", self.count or 0), ("skip", self.skip)):
            if number < 0 or number != int(number):
                raise ValueError(f"{name} is a whole number from 0")
        if self.status is not None and self.status not in range(200, 600):
            raise ValueError("status is from 200 to 599")

    def fits(self, method: str, route: str, query: Container[str] = ()) -> bool:
        """Tell whether a request falls under this rule; only further pages come twice."""
        if self.kind in _READS and method != "GET":
            return False
        if self.kind == "duplicate-page" and "after" not in query:
            return False
        return self.method in ("*", method) and self.route in ("*", route)


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
        rule = _Rule(f"flt{self._numbered}", fault)
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

    def draw(self, method: str, route: str, query: Container[str] = ()) -> Fault | None:
        """Return the fault that strikes this request, if any."""
        for rule in self._rules:
            if rule.fault.fits(method, route, query) and rule.strikes(self._chance):
                return rule.fault
        return None
