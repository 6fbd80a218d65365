"""What somebody else has changed at Okta behind a rotation's back, and what would mend it.

Decides by comparing what Okta shows with what is on record. Knows nothing of how either was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.ids import AppId, CredentialId, RotationId, SecretHash
from keyturn.domain.okta import App, Credential, CredentialKind, Rules, Status
from keyturn.domain.orders import SERVING
from keyturn.domain.sight import list_added
from keyturn.domain.turn import Held, Reason, Turn


class Kind(StrEnum):
    """What has drifted, and in the value: what it means and who should act."""

    SECRET_ADDED = (
        "Somebody has added a client secret that Keyturn neither made nor adopted; it takes the "
        "room of the next turn. Its owner must remove it, or consent to its retirement."
    )
    OLD_VALUE_BACK = (
        "A value that Keyturn has replaced is a client secret again. If Terraform manages the app, "
        "set omit_secret = true there; then consent to the retirement of this secret."
    )
    SECRET_OVERWRITTEN = (
        "The served credential was replaced by another value. If Terraform manages the app, "
        "set omit_secret = true there; then turn the rotation."
    )
    SECRET_DEACTIVATED = (
        "Somebody has deactivated the served credential: readers hold one that Okta refuses. "
        "Activate it, or turn the rotation."
    )
    SECRET_REMOVED = (
        "Somebody has removed the served credential: readers hold one that Okta refuses. "
        "Turn the rotation."
    )
    APP_GONE = "Okta does not know the app. Its administrator must restore it or end the rotation."
    APP_DEACTIVATED = "The app is deactivated at Okta. Its administrator must activate it."
    KEYS_USED = (
        "The app no longer authenticates with the kind of credential that is turned. "
        "Its administrator must set that back or end the rotation."
    )


class Repair(StrEnum):
    """What would mend a drift."""

    ACTIVATE = "activate"
    TURN = "turn"
    BY_HAND = "by hand"


PROPOSED: Mapping[Kind, Repair] = MappingProxyType(
    {
        Kind.SECRET_ADDED: Repair.BY_HAND,
        Kind.OLD_VALUE_BACK: Repair.BY_HAND,
        Kind.SECRET_OVERWRITTEN: Repair.TURN,
        Kind.SECRET_DEACTIVATED: Repair.ACTIVATE,
        Kind.SECRET_REMOVED: Repair.TURN,
        Kind.APP_GONE: Repair.BY_HAND,
        Kind.APP_DEACTIVATED: Repair.BY_HAND,
        Kind.KEYS_USED: Repair.BY_HAND,
    }
)
"""Nothing that is not ours is touched by a repair."""


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it is on record; ``subject`` is Okta's id of what it is about."""

    kind: Kind
    subject: str
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """A drift on record; ``closed_at`` is when it was repaired or seen to be gone."""

    id: str
    rotation_id: RotationId
    kind: Kind
    subject: str
    detail: str
    found_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None


@dataclass(frozen=True)
class Change:
    """A change of an app or its credentials that Okta has logged.

    ``request_id`` is that of the request that made it, so that our own can be told apart.
    """

    app_id: AppId
    at: datetime
    what: str
    who: str
    request_id: str


def comparable(turn: Turn | None) -> bool:
    """Say whether a change can be told from what the turn itself does at Okta just now.

    One that adds its new credential looks before each step; one that only waits does not.
    """
    return turn is None or not turn.running or turn.phase in SERVING


def apart_from(
    turn: Turn | None, listed: tuple[Credential, ...], served: Held | None
) -> tuple[Credential, ...]:
    """Leave out what an open turn keeps beside the served one: its own old and new."""
    own = tuple(held for held in (turn.old, turn.new) if held) if turn else ()
    lost = _may_be_lost(turn, listed) if turn else None
    return tuple(
        each
        for each in listed
        if _is(each, served)
        or not (
            each is lost or any(each.hash == h.hash and h.okta_id in (None, each.id) for h in own)
        )
    )


def _may_be_lost(turn: Turn, listed: tuple[Credential, ...]) -> Credential | None:
    """Return what Okta may have made for the turn in an answer that was lost: it finds that out.

    Once it has, and is blocked for a stranger, that one is told of like any.
    """
    if turn.rules.own_value or turn.new:
        return None
    if turn.blocked and turn.blocked.reason is Reason.FOREIGN_SECRET:
        return None
    strange = list_added(turn, listed)
    return strange[0] if len(strange) == 1 else None


def compare(
    app: App | None,
    app_id: AppId,
    listed: tuple[Credential, ...],
    served: Held | None,
    ours: frozenset[SecretHash],
    *,
    kind: CredentialKind = CredentialKind.CLIENT_SECRET,
) -> tuple[Drift, ...]:
    """List what has drifted; nothing for an app that is as it is on record.

    ``listed`` is what Okta lists but for what belongs to an open turn, ``served`` what readers are
    given, ``ours`` every hash that the rotation has ever kept.
    """
    rules = kind.rules
    unfit = _unfit(app, app_id, rules)
    if unfit:
        return (unfit,)
    found = _of_served(listed, served, rules) if served else None
    strangers = tuple(
        Drift(
            Kind.OLD_VALUE_BACK if secret.hash in ours else Kind.SECRET_ADDED,
            secret.id,
            f"{rules.noun.capitalize()} {secret.id}, {secret.status}, "
            f"made {secret.created_at:%Y-%m-%d}.",
        )
        for secret in listed
        if not rules.shared
        and not _is(secret, served)
        and not (found and secret.id == found.subject)
    )
    return (found, *strangers) if found else strangers


def unseen(kind: Kind, drifts: Sequence[Drift]) -> bool:
    """Say whether what was found may go on though it is not among what was found now.

    That the app is there was seen; nothing else is compared while it is deactivated.
    """
    asleep = any(drift.kind is Kind.APP_DEACTIVATED for drift in drifts)
    return asleep and kind is not Kind.APP_GONE


def _unfit(app: App | None, app_id: AppId, rules: Rules) -> Drift | None:
    if app is None:
        return Drift(Kind.APP_GONE, app_id)
    if app.status is not Status.ACTIVE:
        return Drift(Kind.APP_DEACTIVATED, app_id)
    if app.auth_method not in rules.methods:
        return Drift(Kind.KEYS_USED, app_id, f"It uses {app.auth_method}.")
    return None


def _of_served(listed: tuple[Credential, ...], served: Held, rules: Rules) -> Drift | None:
    """Tell what has become of the served one; whatever else is listed did not take its place."""
    same = [s for s in listed if s.hash == served.hash]
    if any(s.active for s in same):
        return None
    if same:
        return _named(Kind.SECRET_DEACTIVATED, same[0].id, rules)
    served_id = served.okta_id or CredentialId("unnamed")
    there = any(s.id == served_id for s in listed)
    return _named(Kind.SECRET_OVERWRITTEN if there else Kind.SECRET_REMOVED, served_id, rules)


def _named(kind: Kind, subject: CredentialId, rules: Rules) -> Drift:
    return Drift(kind, subject, f"{rules.noun.capitalize()} {subject}.")


def _is(secret: Credential, served: Held | None) -> bool:
    return served is not None and secret.hash == served.hash
