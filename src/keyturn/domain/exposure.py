"""How exposed an app is when its client secret has leaked: by that an emergency is ordered.

Decides by what is known of the app alone; says what it has decided by. Knows no clock and no store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keyturn.domain.ids import RotationId

LEAKED, PRODUCTION, PRIVILEGE, USE = 100_000, 10_000, 1_000, 100
"""What each matter weighs: no sum of the lesser ones outweighs a greater one."""

USERS_MAX = USE - 1
RECENT: Sequence[tuple[timedelta, int, str]] = (
    (timedelta(hours=1), 5, "used within the last hour"),
    (timedelta(days=1), 4, "used within the last day"),
    (timedelta(days=7), 3, "used within the last week"),
    (timedelta(days=30), 2, "used within the last month"),
)
OKTA_SCOPE, MANAGES = "okta.", ".manage"


@dataclass(frozen=True)
class Facts:
    """What is known of an app whose secret is to be closed.

    ``leaked`` is whether somebody has said that its secret is public; ``preview`` whether its org
    is for trying things out. ``scopes`` are those that connections here were granted by it,
    ``grants`` its grant types; ``administers`` is whether Keyturn itself logs in as it.
    ``used_at`` is its last use that is known, ``users`` how many use its secret, as far as is
    known here.
    """

    rotation_id: RotationId
    name: str
    leaked: bool = False
    preview: bool = False
    administers: bool = False
    grants: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    used_at: datetime | None = None
    users: int = 0


@dataclass(frozen=True)
class Exposure:
    """How exposed an app is: a higher score is closed first; ``why`` tells of what it is made."""

    score: int
    why: tuple[str, ...]


def judge(facts: Facts, now: datetime) -> Exposure:
    """Judge one app."""
    privilege, may = _privilege(facts)
    use, used = _use(facts, now)
    users = min(facts.users, USERS_MAX)
    score = LEAKED * facts.leaked + PRODUCTION * (not facts.preview)
    score += PRIVILEGE * privilege + USE * use + users
    why = (
        "said to be public" if facts.leaked else "",
        "Preview org" if facts.preview else "Production org",
        may,
        used,
        f"{facts.users} known to use it" if facts.users else "",
    )
    return Exposure(score, tuple(each for each in why if each))


def ordered(every: Iterable[Facts], now: datetime) -> Sequence[tuple[Facts, Exposure]]:
    """Order apps, the most exposed first; those alike by their names, so that it stays the same."""
    judged = [(facts, judge(facts, now)) for facts in every]
    return sorted(judged, key=lambda one: (-one[1].score, one[0].name, one[0].rotation_id))


def _privilege(facts: Facts) -> tuple[int, str]:
    """Tell what whoever has the secret may do, as far as is known."""
    of_okta = [scope for scope in facts.scopes if scope.startswith(OKTA_SCOPE)]
    if facts.administers or any(scope.endswith(MANAGES) for scope in of_okta):
        return 3, "may change things in Okta"
    if of_okta:
        return 2, "may read things in Okta"
    if "client_credentials" in facts.grants:
        return 1, "gets tokens by its secret alone (client_credentials)"
    return 0, ""


def _use(facts: Facts, now: datetime) -> tuple[int, str]:
    if facts.used_at is None:
        return 0, ""
    for within, weight, told in RECENT:
        if now - facts.used_at <= within:
            return weight, told
    return 1, "not used for a month"
