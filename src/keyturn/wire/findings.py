"""What has drifted at Okta (ours)."""

from keyturn.wire.base import Instant, Wire


class Finding(Wire):
    """One thing that is not as it is on record, what it means, and what would mend it.

    ``repair`` is ``activate`` or ``turn``, which Keyturn can do, or ``by hand``. ``subject`` is
    Okta's id of what it is about.
    """

    id: str
    rotation_id: str
    rotation_name: str
    kind: str
    meaning: str
    subject: str
    detail: str
    repair: str
    found_at: Instant


class Compared(Wire):
    """How many rotations of a connection were compared with Okta."""

    rotations: int


class FindingsAnswer(Wire):
    """The findings that are open."""

    findings: tuple[Finding, ...]
