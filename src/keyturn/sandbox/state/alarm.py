"""When failed client authentications become a pattern worth an event."""

FAILURES_BEFORE_ALARM = 5


class CredentialAlarm:
    """Counts failures in a row by client; a success ends the row."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}

    def fail(self, client_id: str) -> bool:
        """Count a failure; True when it completes another five in a row."""
        count = self._failures[client_id] = self._failures.get(client_id, 0) + 1
        return count % FAILURES_BEFORE_ALARM == 0

    def succeed(self, client_id: str) -> None:
        """Forget the failures of a client."""
        self._failures.pop(client_id, None)
