"""What is left of Okta's rate limits (ours)."""

from keyturn.wire.base import Instant, Wire


class Budget(Wire):
    """One window of one bucket.

    ``principal`` is whose share it is: the client id of a service app, or a hash of an API token.
    ``reserve`` of what remains is kept for reinstating. ``resetsAt`` is by Okta's clock.
    """

    org: str
    principal: str
    bucket: str
    limit: int
    remaining: int
    reserve: int
    resets_at: Instant


class BudgetsAnswer(Wire):
    """The windows that are known."""

    budgets: tuple[Budget, ...]
