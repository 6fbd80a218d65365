"""What is wrong with the answers of a step, each at the field that it is about."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Final

from keyturn.domain.errors import InvalidInput, KeyturnError, OursError
from keyturn.web.problems import status_of

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "name",
        "description": "description",
        "secretPath": "path",
        "secretsMapping.clientId": "map_client_id",
        "secretsMapping.clientSecret": "map_client_secret",
        "schedule.every": "every",
        "schedule.cron": "cron",
        "schedule.at": "at",
        "schedule.timeZone": "zone",
        "overlapSeconds": "overlap",
        "backstopSeconds": "backstop",
        "soakSeconds": "soak",
        "quietSeconds": "quiet",
        "parameters.clientId": "app",
    }
)
"""At which field of the wizard a rule of the domain is told."""

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "new_url": "Address of the org",
        "new_name": "Name of the connection",
        "new_token": "API token",
        "new_client_id": "Client id",
        "new_key": "Private key",
        "path": "Folder",
        "days": "Days",
        "every": "Interval",
        "cron": "Cron",
        "at": "Rotate at",
        "zone": "Time zone",
        "overlap": "Overlap, at least",
        "backstop": "Overlap, at most",
        "soak": "Soak",
        "quiet": "Quiet for",
        "map_client_id": "Client ID",
        "map_client_secret": "Client Secret",
        "name": "Name",
        "description": "Description",
    }
)
"""What those fields are called of which a rule does not say it."""


class Problems:
    """What has been found wrong so far, and the status that the page is sent with."""

    def __init__(self) -> None:
        self._found: Final[dict[str, str]] = {}
        self.status = 200

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields that they are about; of what is about none, the empty text."""
        return frozenset(self._found)

    @property
    def listed(self) -> Sequence[tuple[str, str]]:
        """Return them as an error summary has them: the field, and what is wrong with it."""
        return [
            (field, f"{LABELS[field]}: {text[:1].lower()}{text[1:]}" if field in LABELS else text)
            for field, text in self._found.items()
        ]

    @property
    def texts(self) -> Sequence[str]:
        """Return what is wrong, and not where."""
        return [*self._found.values()]

    def of(self, field: str) -> str:
        """Return what is wrong with a field, or nothing."""
        return self._found.get(field, "")

    def note(self, field: str, text: str, status: int = 422) -> None:
        """Put a problem down; the first that a field has is the one that is told."""
        self._found.setdefault(field, text)
        self.status = max(self.status, status)

    def add(self, error: KeyturnError, field: str, fields: Mapping[str, str] = FIELDS) -> None:
        """Put an error down, at the fields that it names or else at this one."""
        status = status_of(error)
        if not isinstance(error, InvalidInput):
            self.note(field, error.message, status)
            return
        for problem in error.problems:
            at = fields.get(".".join(problem.field), field)
            self.note(at, f"{problem.rule[:1].upper()}{problem.rule[1:]}.", status)

    def at(self, field: str, fields: Mapping[str, str] = FIELDS) -> "_At":
        """Put down what is raised inside; what is Keyturn's own fault goes on."""
        return _At(self, field, fields)


@dataclass(frozen=True)
class _At(AbstractContextManager[None, bool]):
    problems: Problems
    field: str
    fields: Mapping[str, str]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        told = isinstance(error, KeyturnError) and not isinstance(error, OursError)
        if isinstance(error, KeyturnError) and told:
            self.problems.add(error, self.field, self.fields)
        return told
