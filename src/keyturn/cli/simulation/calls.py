"""One call of the product, on its way."""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from keyturn.cli.simulation.processes import Work


@dataclass(frozen=True)
class Sent:
    """One call of the product on its way to Okta; ``at_s`` is when it left.

    ``by_client`` says that it is a client's at an authorization server, as connections make them.
    ``key`` names the key by which the product asks for a token of its own.
    """

    method: str
    path: str
    work: Work | None
    at_s: float
    by_client: bool = False
    key: str = ""

    @property
    def changes(self) -> bool:
        """Say whether it asks for a change of a credential."""
        return "/credentials/" in self.path and self.method != "GET"

    @property
    def secret_id(self) -> str:
        """Return the credential it names, empty where it names none."""
        return _named(self.path)[1]

    @property
    def app_id(self) -> str:
        """Return the app it names, empty where it names none."""
        return _named(self.path)[0]

    @property
    def kind(self) -> str:
        """Return what it asks for: add, activate, deactivate, delete, bring, grant or look."""
        if self.by_client:
            return "grant"
        if self.path.startswith("/destinations/"):
            return "bring"
        if not self.changes:
            return "look"
        if self.method == "DELETE":
            return "delete"
        return self.path.rpartition("/lifecycle/")[2] if "/lifecycle/" in self.path else "add"


_PATH = re.compile(
    "/(?:api/v1/apps|integrations/api/v1/api-services)/([^/?]+)"
    "(?:/credentials/(?:secrets|jwks)/([^/?]+))?"
)


@lru_cache(maxsize=1024)
def _named(path: str) -> tuple[str, str]:
    """Return the app or integration that a path names, and its credential."""
    found = _PATH.match(path)
    return (found[1], found[2] or "") if found else ("", "")


SENT: ContextVar[Sent | None] = ContextVar("SENT", default=None)
"""The call that the org is dealing with."""
