"""What every error looks like."""

from keyturn.wire.base import Wire


class Issue(Wire):
    """One field that breaks its rule, in the form of Zod's issues."""

    code: str
    path: tuple[str | int, ...]
    message: str


class Problem(Wire):
    """An error body; ``message`` is a list of issues where the input is at fault (422)."""

    req_id: str
    status_code: int
    message: str | tuple[Issue, ...]
    error: str


class PermissionProblem(Problem):
    """An error body of a refused permission (403); Keyturn has no rules to list in it."""

    details: tuple[str, ...] = ()
