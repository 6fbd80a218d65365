"""What is to become of the credentials that an app has already: which choices there are.

Offers nothing that `domain.rotation.decide_onboarding` would refuse for what is listed, and takes
nothing that is not Keyturn's without a word that names its id and its day.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import CredentialKind, Status

ADOPT: Final = "adopt"
ISSUE: Final = "issue"
VALUE: Final = "value"
_CODE: Final = re.compile(rf"({ADOPT}|{ISSUE}|{VALUE})(?::([\w-]{{1,100}}):(\d{{4}}-\d\d-\d\d))?")

BLOCKS: Final = (
    "Okta keeps two, so the first turn will stop until it is removed or you consent to its end."
)


class Listed(Protocol):
    """A credential as Okta lists it."""

    @property
    def id(self) -> CredentialId:
        """Return Okta's id."""
        ...

    @property
    def status(self) -> Status:
        """Return whether Okta accepts it."""
        ...

    @property
    def created_at(self) -> datetime:
        """Return when it was made."""
        ...


@dataclass(frozen=True)
class Choice:
    """One way to begin: the code that a form sends, what it is, and what it means."""

    code: str
    text: str
    about: str


@dataclass(frozen=True)
class Existing:
    """What was chosen: how readers' first credential comes about, and which one is retired."""

    way: str = ADOPT
    retire: Consent | None = None

    @property
    def by_value(self) -> bool:
        """Say whether it is found by a value that somebody gives."""
        return self.way == VALUE


def chosen(code: str) -> Existing:
    """Read a choice; what is none is the usual one."""
    found = _CODE.fullmatch(code)
    if found is None:
        return Existing()
    try:
        made_on = date.fromisoformat(found[3]) if found[3] else None
    except ValueError:
        return Existing()
    return Existing(found[1], Consent(CredentialId(found[2]), made_on) if made_on else None)


def choices(
    kind: CredentialKind, listed: Sequence[Listed] | None, now: datetime
) -> Sequence[Choice]:
    """List what can be done with what an app has, of keys also where that is not known (None).

    There is nothing where there is no way before some of it goes.
    """
    if kind.rules.are_keys:
        return _of_keys(listed)
    if not listed:
        text = "Issue the first client secret"
        return (Choice(ISSUE, text, "The app has none yet. Nothing else is touched."),)
    takes = ADOPT if kind is CredentialKind.CLIENT_SECRET else VALUE
    if len(listed) < kind.rules.most:
        return _of_one(listed[0], takes, now)
    return _of_two(listed, takes, now)


def usual(offered: Sequence[Choice]) -> str:
    """Return the code of what is done where nobody says otherwise: what ends nothing, if any."""
    first = offered[0].code if offered else ""
    return first if first in (ADOPT, ISSUE) else ""


def age(made_at: datetime, now: datetime) -> str:
    """Render how old something is, in days."""
    days = (now.date() - made_at.date()).days
    return "today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} ago"


def named(one: Listed, now: datetime) -> str:
    """Name a credential as its owner knows it: by id, status, day and age."""
    return f"{one.id} ({one.status}, made {one.created_at:%Y-%m-%d}, {age(one.created_at, now)})"


def _of_keys(listed: Sequence[Listed] | None) -> Sequence[Choice]:
    issue = Choice(ISSUE, "Add a key of Keyturn's own", "Its other keys are left alone.")
    if listed is not None and not any(_active(one) for one in listed):
        return (issue,)
    about = "You give its private half at the last step. Nothing changes at Okta."
    return (issue, Choice(VALUE, "Take over a key that the app has", about))


def _short(one: Listed, now: datetime) -> str:
    return f"{one.id}, made {age(one.created_at, now)}"


def _of_one(one: Listed, takes: str, now: datetime) -> Sequence[Choice]:
    name = _short(one, now)
    adopt = _adopting(one, takes, name)
    retire = Choice(
        _with(ISSUE, one),
        f"Issue a new one, and retire {name}",
        "Both work for the overlap; then it is deactivated, and deleted after the soak. "
        "You consent to that at the last step.",
    )
    beside = Choice(ISSUE, "Issue a new one, and leave that one alone", f"Both work. {BLOCKS}")
    return (*([adopt] if _active(one) else []), retire, beside)


def _adopting(one: Listed, takes: str, name: str) -> Choice:
    if takes == VALUE:
        about = "You give its value at the last step. Nothing changes at Okta."
        return Choice(VALUE, f"Adopt {name}", about)
    about = "Readers are given the one that the app has now. Nothing changes at Okta."
    return Choice(ADOPT, f"Adopt {name}", about)


def _of_two(listed: Sequence[Listed], takes: str, now: datetime) -> Sequence[Choice]:
    pairs = [
        (one, other) for one in listed for other in listed if one is not other and _active(one)
    ]
    if not pairs:
        return ()
    given = " You give its value at the last step." if takes == VALUE else ""
    return (
        *(
            Choice(
                _with(takes, other),
                f"Adopt {_short(one, now)}; retire {_short(other, now)}",
                "Readers are given the first. The other works for the overlap; then it is "
                f"deactivated, and deleted after the soak. You consent to that at the end.{given}",
            )
            for one, other in pairs
        ),
        Choice(
            VALUE,
            "Adopt the one whose value you give, and leave the other alone",
            f"You give the value at the last step. {BLOCKS}",
        ),
    )


def _with(way: str, retired: Listed) -> str:
    return f"{way}:{retired.id}:{retired.created_at:%Y-%m-%d}"


def _active(one: Listed) -> bool:
    return one.status is Status.ACTIVE
