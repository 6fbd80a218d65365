"""What people were told of connections and client registrations (ours)."""

from typing import Literal

from keyturn.wire.base import Instant, Wire
from keyturn.wire.oauth_connections import Light

NoticeKind = Literal[
    "connection.health",
    "registration.secret_rejected",
    "registration.secret_replaced",
    "registration.secret_accepted",
]


class Notice(Wire):
    """One thing that was told, and whether it has arrived.

    ``subjectId`` and ``subject`` are the connection, or the client registration of so many
    ``connections``, as it was called then. ``failsAt`` is when requests begin to fail, where they
    will. ``link`` is a page that says how to authorize again. ``failure`` is why it has not arrived
    yet, and ``nextAttemptAt`` when it is tried again.
    """

    id: str
    kind: NoticeKind
    project_id: str
    environment: str
    secret_path: str
    subject_id: str
    subject: str
    before: Light
    after: Light
    message: str
    connections: int
    fails_at: Instant | None
    link: str | None
    created_at: Instant
    delivered_at: Instant | None
    next_attempt_at: Instant | None
    attempts: int
    failure: str


class NoticesAnswer(Wire):
    """The notices of a project, the latest first."""

    notices: tuple[Notice, ...]
