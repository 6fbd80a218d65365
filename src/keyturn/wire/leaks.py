"""Leak reports: client secrets that somebody has seen where they must not be (ours)."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from keyturn.wire.base import Instant, Trimmed, Whole, Wire
from keyturn.wire.emergencies import REASON_MAX, WITHIN_MAX_S

REPORTS_MAX = 100
VALUE_MAX = 10_000
WHERE_MAX = 2000
NOTE_MAX = 500
LISTED_MAX = 1000

Source = Literal["operator", "webhook", "github"]
State = Literal["open", "unknown", "closed", "false_alarm"]
Which = Literal["current", "previous", "pending", "retired", "foreign", "gone"]
Given = Annotated[str, StringConstraints(min_length=1, max_length=VALUE_MAX)]
Reason = Annotated[Trimmed, Field(max_length=REASON_MAX)]


class ReportLeak(Wire):
    """A secret that was seen: by one of its ``value``, its ``hash``, and how its value begins.

    ``hash`` is Okta's ``secret_hash``; ``prefix`` has at least 12 characters, and its first 16 are
    compared. ``where`` is the URL, or another place, in which it was seen.
    """

    value: Given | None = Field(default=None, repr=False)
    hash: Annotated[str, StringConstraints(max_length=64)] = ""
    prefix: Given | None = Field(default=None, repr=False)
    where: Annotated[str, StringConstraints(max_length=WHERE_MAX)] = ""
    note: Annotated[str, StringConstraints(max_length=NOTE_MAX)] = ""


class ReportLeaks(Wire):
    """What somebody has seen; ``source`` is whether a person says so, or a program."""

    reports: Annotated[tuple[ReportLeak, ...], Field(min_length=1, max_length=REPORTS_MAX)]
    source: Literal["operator", "webhook"] = "webhook"


class Leak(Wire):
    """A leak report, which secret it is about, and what has come of it.

    ``app`` is what the app is called; what is not known is null. ``which`` is null where nothing
    here has the secret. ``endedBy`` is empty where nobody had to end it.
    """

    id: str
    at: Instant
    source: Source
    reporter: str
    hash: str | None
    where: str
    note: str
    state: State
    which: Which | None
    app: str
    connection_id: str | None
    app_id: str | None
    client_id: str | None
    rotation_id: str | None
    emergency_id: str | None
    ended_at: Instant | None
    ended_by: str
    ended_why: str


class ReceivedAnswer(Wire):
    """How many reports were taken in; ``reports`` is null for whoever may not read them."""

    received: int
    reports: tuple[Leak, ...] | None


class LeaksQuery(Wire):
    """Which reports are wanted; without ``state``, any."""

    state: State | None = None
    limit: Annotated[int, Field(ge=1, le=LISTED_MAX)] = 100


class LeakAnswer(Wire):
    """One leak report."""

    leak: Leak


class LeaksAnswer(Wire):
    """Leak reports, the newest first."""

    leaks: tuple[Leak, ...]


class EndLeak(Wire):
    """Why a report is ended; ``falseAlarm`` says that the secret has not leaked."""

    reason: Reason
    false_alarm: bool = False


class CloseLeak(Wire):
    """How the app of a report is closed, as an emergency of that app alone is asked for.

    With ``planHash`` just that plan is begun, or nothing.
    """

    reason: Reason
    plan_hash: Annotated[str, StringConstraints(max_length=64)] = ""
    within_seconds: Annotated[Whole, Field(ge=0, le=WITHIN_MAX_S)] = 0
    revoke_tokens: bool = False


class GitHubWire(Wire):
    """A JSON object with names as GitHub writes them."""

    model_config = ConfigDict(alias_generator=str)


class ScannedToken(GitHubWire):
    """What GitHub's secret scanning has found (its partner program)."""

    token: Given = Field(repr=False)
    type: Annotated[str, StringConstraints(max_length=255)]
    url: Annotated[str, StringConstraints(max_length=VALUE_MAX)] = ""
    source: Annotated[str, StringConstraints(max_length=255)] = ""


class ScannedLabel(GitHubWire):
    """Whether a value that GitHub has found is real; it is named by its SHA-256, in hexadecimal."""

    token_hash: str
    token_type: str
    label: Literal["true_positive", "false_positive"]
