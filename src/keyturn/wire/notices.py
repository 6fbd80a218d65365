"""What people are told (ours)."""

from keyturn.wire.base import Instant, Wire
from keyturn.wire.channels import Delivery
from keyturn.wire.oauth_connections import Light


class Notice(Wire):
    """One thing that people are told.

    ``title`` is what has happened, in one line; ``message`` says more of it, ``meaning`` what
    follows from it. ``subjectId`` and ``subject`` are what it is of, as that was called then.
    ``before`` and ``after`` are how a connection does, ``connections`` how many it is the requests
    of. ``comesAt`` is when what it warns of comes. ``link`` is a page where it is seen, ``command``
    what shows it or helps.
    """

    id: str
    kind: str
    urgent: bool
    project_id: str | None
    project: str
    environment: str
    secret_path: str
    subject_id: str
    subject: str
    app_id: str
    app_label: str
    owner: str
    title: str
    message: str
    meaning: str
    before: Light | None
    after: Light | None
    connections: int
    comes_at: Instant | None
    link: str | None
    command: str
    created_at: Instant


class NoticesAnswer(Wire):
    """Notices, the newest first."""

    notices: tuple[Notice, ...]


class NoticeAnswer(Wire):
    """One notice, and its way through each channel."""

    notice: Notice
    deliveries: tuple[Delivery, ...]
