"""What an app is cast as, before there is one."""

from dataclasses import dataclass
from enum import Enum, auto

from keyturn.domain.okta import CredentialKind
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Policy


class Onboarding(Enum):
    """How a rotation takes over what an app has."""

    ADOPT = auto()
    """Serve it, by the value that Okta shows or its owner enters."""
    BESIDE = auto()
    """Issue a first one beside it; it stays foreign until somebody consents."""
    RETIRE = auto()
    """The same, and its owner consents at once to its retirement."""


@dataclass(frozen=True)
class Client:
    """What an app is a client for: so many persons' grants, and one of its own where it ``mints``.

    Where its refresh tokens rotate, ``leeway_s`` is how long the one before is taken as well.
    """

    persons: int = 1
    mints: bool = True
    leeway_s: int | None = None


@dataclass(frozen=True)
class Part:
    """One app as it is cast: its way of authenticating and the rotation it gets."""

    name: str
    policy: Policy
    schedule: Schedule
    auth_method: str = "client_secret_basic"
    by_client_id: bool = False
    kind: CredentialKind = CredentialKind.CLIENT_SECRET
    onboarding: Onboarding = Onboarding.ADOPT
    delivered: bool = False
    """Whether what is turned is brought to a destination."""
    client: Client | None = None
    """How it is registered as a client, if it is."""

    @property
    def mapping(self) -> SecretsMapping:
        """Return the names by which readers find what is turned."""
        return SecretsMapping(f"{self.name}_ID".upper(), f"{self.name}_SECRET".upper())
