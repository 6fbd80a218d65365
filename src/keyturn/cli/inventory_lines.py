"""How an inventory looks as lines, and as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from keyturn.cli import output
from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.wire.inventory import (
        InventoryApp,
        InventoryAppsAnswer,
        InventorySecret,
        InventoryState,
        InventoryTotals,
    )

WHOLE = frozenset({"listing", "checking", "reading"})
"""The stages of a full reading."""

BAR = 40
"""As many characters as the longest bar has."""

COLUMNS = (
    "connection",
    "app_id",
    "client_id",
    "label",
    "owner",
    "status",
    "auth_method",
    "application_type",
    "grant_types",
    "groups",
    "managed",
    "rotation",
    "secrets_read_at",
    "why_not_read",
    "secret_id",
    "secret_status",
    "secret_created_at",
    "secret_age_days",
    "secret_length",
    "secret_last_used_at",
    "secret_known",
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


def states(found: Iterable["InventoryState"]) -> Iterator[str]:
    """Render how inventories stand."""
    every = [*found]
    header = ["connection", "org", "stage", "apps", "not read", "left", "known until"]
    yield from output.table(header, [_state(each) for each in every])
    for each in every:
        if each.failure:
            since = output.moment(each.failing_since)
            yield output.printable(f"{each.connection} fails since {since}: {each.failure}")
        if each.groups_told:
            yield output.printable(f"{each.connection}, its groups: {each.groups_told}")


def _state(state: "InventoryState") -> list[str]:
    return [
        state.connection,
        state.org,
        _stage(state),
        str(state.apps),
        str(state.unread),
        duration(state.left_seconds) if state.left_seconds else "",
        output.moment(state.known_until),
    ]


def _stage(state: "InventoryState") -> str:
    if state.through:
        return f"read by {state.through}"
    match state.stage:
        case None:
            return "never asked for"
        case "listing":
            return f"listing, {state.listed} so far"
        case "reading":
            return f"reading, {state.read} of {state.wanted}"
        case stage:
            return stage


def under_way(
    begun: Iterable["InventoryState"], before: Mapping[str, "InventoryState"]
) -> Iterator[str]:
    """Say of which orgs no full reading was begun, since one was under way; ``before`` is by id."""
    for each in begun:
        last = before.get(each.connection_id)
        if last and last.stage in WHOLE and last.begun_at == each.begun_at:
            told = f"{each.connection}: a full reading is under way, and goes on where it is."
            yield output.printable(told)


def duration(seconds: float) -> str:
    """Render how long something lasts by two of its parts, begun minutes as whole ones."""
    return spoken(-(-seconds // 60) * 60, parts=2)


def lines(found: "InventoryAppsAnswer", limit: int) -> Iterator[str]:
    """Render totals, ages, and so many apps at most."""
    yield from totals(found.totals, found.at)
    yield from ("", "ages of client secrets, days", *bars(found.totals))
    shown = found.apps[:limit]
    if shown:
        yield from ("", *_table(shown, found.at), f"{len(shown)} of {found.totals.apps}")
    yield from _doubts(found.inventories)


def totals(told: "InventoryTotals", now: datetime) -> Iterator[str]:
    """Render what apps come to."""
    sorts = [
        f"{told.managed} kept by a rotation",
        f"{told.public} public",
        f"{told.with_keys} with keys",
        *([f"{told.unread} not read"] if told.unread else []),
    ]
    yield f"{output.counted(told.apps, 'app')}: {', '.join(sorts)}"
    oldest = f", the oldest {output.days(told.oldest_at, now)} days" if told.oldest_at else ""
    yield (
        f"{output.counted(told.secrets, 'client secret')}: {told.active} active{oldest}, "
        f"{told.foreign} that no rotation knows"
    )


def bars(told: "InventoryTotals") -> Iterator[str]:
    """Render a histogram of ages."""
    most = max(told.ages.values(), default=0)
    for band, count in told.ages.items():
        bar = "█" * -(-count * BAR // most) if most else ""
        yield f"{band:>8}  {bar} {count}".rstrip()


def _doubts(found: Iterable["InventoryState"]) -> Iterator[str]:
    for state in found:
        if state.failure:
            yield output.printable(f"{state.connection} may be out of date: {state.failure}")
        elif state.completed_at and state.uses_known_since:
            since = output.moment(state.uses_known_since)
            yield output.printable(f"{state.connection}: uses are known since {since}")
        elif state.stage:
            yield output.printable(f"{state.connection} is still being read: {state.stage}.")


def _table(apps: Iterable["InventoryApp"], now: datetime) -> list[str]:
    header = ["label", "app id", "status", "authenticates by", "owner", "client secrets"]
    rows = [
        [
            each.label,
            each.app_id,
            each.status,
            each.auth_method,
            each.owner or "unknown",
            secrets_of(each, now),
            last_use(each),
            kept_by(each),
        ]
        for each in apps
    ]
    return output.table([*header, "last use", "rotation"], rows)


def kept_by(app: "InventoryApp") -> str:
    """Tell which rotation keeps an app."""
    if not app.managed:
        return "none"
    return app.rotation.name if app.rotation else "another"


def last_use(app: "InventoryApp") -> str:
    """Tell when any of an app's client secrets was used last, as far as Okta's log was read."""
    seen = max((each.used_at for each in app.secrets if each.used_at), default=None)
    if seen:
        return output.moment(seen)
    return "not seen" if app.secrets else ""


def secrets_of(app: "InventoryApp", now: datetime) -> str:
    """Tell how many client secrets an app has, and how old they are."""
    if app.told or app.read_at is None:
        return "not read"
    if not app.secrets:
        return "none"
    ages = (f"{output.days(each.created_at, now)} d{_mark(each)}" for each in app.secrets)
    return f"{len(app.secrets)} ({', '.join(ages)})"


def _mark(secret: "InventorySecret") -> str:
    inactive = "" if secret.status == "ACTIVE" else " inactive"
    return inactive if secret.known else f"{inactive} foreign"


def as_csv(found: "InventoryAppsAnswer") -> str:
    """Render a line for each client secret, and one for an app without any."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for app in found.apps:
        for secret in app.secrets or (None,):
            writer.writerow([_safe(cell) for cell in _row(app, secret, found.at)])
    return out.getvalue()


def _row(app: "InventoryApp", secret: "InventorySecret | None", now: datetime) -> list[str]:
    own = [
        app.connection,
        app.app_id,
        app.client_id,
        app.label,
        app.owner,
        app.status,
        app.auth_method,
        app.application_type,
        " ".join(app.grant_types),
        ", ".join(app.groups),
        _yes(app.managed),
        f"{app.rotation.place}:{app.rotation.name}" if app.rotation else "",
        _iso(app.read_at),
        app.told,
    ]
    if secret is None:
        return [*own, *[""] * (len(COLUMNS) - len(own))]
    return [
        *own,
        secret.id,
        secret.status,
        _iso(secret.created_at),
        str(output.days(secret.created_at, now)),
        "" if secret.length is None else str(secret.length),
        _iso(secret.used_at),
        _yes(secret.known),
    ]


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet computes: anybody may have written a label."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _yes(told: bool) -> str:  # noqa: FBT001  a cell
    return "yes" if told else "no"


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
