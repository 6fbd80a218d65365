"""Client registrations: what a client is at an authorization server, and how its secret stands.

Decides what follows from a secret that is accepted or rejected. That is one matter for all
connections of a client: none of their grants is touched by it (RFC 6749, 10.4: a refresh token is
bound to the client, not to its secret).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.ids import FolderId, RegistrationId, SecretHash, SecretId
from keyturn.domain.oauth.lifetimes import pause_after
from keyturn.domain.oauth.lights import Light


class Scheme(StrEnum):
    """How requests to a service are authorized."""

    OAUTH = "oauth"
    BASIC = "basic"
    """By a user name and a password (RFC 7617)."""
    HEADER = "header"
    """By a header of the service's own."""
    NONE = "none"


class Standing(StrEnum):
    """How the secret of a client stands at the authorization server, as far as that was seen."""

    UNPROVED = "unproved"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Act(StrEnum):
    """What may come of authenticating with it."""

    PROVE = "prove"
    REJECT = "reject"
    CHANGE = "change"


MOVES: Mapping[Standing, Mapping[Act, Standing]] = MappingProxyType(
    {
        standing: {
            Act.PROVE: Standing.ACCEPTED,
            Act.REJECT: Standing.REJECTED,
            Act.CHANGE: Standing.UNPROVED,
        }
        for standing in Standing
    }
)
"""What follows from what: whatever was seen last counts."""


@dataclass(frozen=True)
class ClientRegistration:
    """A client at an authorization server, or whatever else requests to a service are made as.

    Its secret is the value of ``secret_id``, a stored secret that a rotation may keep, or its own,
    ``sealed``, of which ``own_version`` counts the changes and ``own_hash`` is what Okta calls it
    by. ``client_id_secret_id`` stands for the client id in the same way. For ``BASIC``, client id
    and secret are user name and password; for ``HEADER``, the header's name and its value.
    ``provider`` is a document (`documents.parse`). ``tested`` is the version that ``standing`` is
    of, seen at ``tested_at`` by ``tested_by``; ``proved_version`` is the newest that was ever
    accepted. ``due_at`` is when it is tested again. ``light`` is what people were told last of how
    its secret does; from ``look_at`` on it may be another.
    """

    id: RegistrationId
    folder_id: FolderId
    name: str
    connector: str
    scheme: Scheme
    provider: str
    client_id: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    secret_id: SecretId | None = None
    client_id_secret_id: SecretId | None = None
    sealed: bytes | None = None
    own_version: int = 0
    own_hash: SecretHash | None = None
    standing: Standing = Standing.UNPROVED
    tested: int = 0
    tested_at: datetime | None = None
    tested_by: str = ""
    proved_version: int = 0
    due_at: datetime | None = None
    attempts: int = 0
    told: str = ""
    light: Light = Light.UNKNOWN
    look_at: datetime | None = None

    def rejects(self, version: int, now: datetime) -> bool:
        """Say whether trying this version again would only be refused once more."""
        resting = self.due_at is not None and now < self.due_at
        return self.standing is Standing.REJECTED and self.tested == version and resting


def proved(
    registration: ClientRegistration, version: int, now: datetime, by: str
) -> ClientRegistration:
    """Return it after its server accepted a version; an older one than was seen changes nothing."""
    if version < registration.tested:
        return registration
    return replace(
        registration,
        standing=_after(registration, Act.PROVE),
        tested=version,
        tested_at=now,
        tested_by=by,
        proved_version=max(version, registration.proved_version),
        due_at=None,
        attempts=0,
        told="",
        look_at=registration.look_at if registration.light is Light.HEALTHY else now,
    )


def rejected(
    registration: ClientRegistration, version: int, now: datetime, told: str, by: str
) -> ClientRegistration:
    """Return it after its server rejected a version; it is tried again before long, and longer."""
    if version < registration.tested:
        return registration
    attempts = registration.attempts + 1 if registration.tested == version else 1
    return replace(
        registration,
        standing=_after(registration, Act.REJECT),
        tested=version,
        tested_at=now,
        tested_by=by,
        due_at=now + pause_after(attempts),
        attempts=attempts,
        told=told,
        look_at=registration.look_at if registration.light is Light.BROKEN else now,
    )


def unsettled(registration: ClientRegistration, now: datetime) -> ClientRegistration:
    """Return it to be tested again later: no answer told anything of the secret."""
    attempts = registration.attempts + 1
    return replace(registration, due_at=now + pause_after(attempts), attempts=attempts)


def changed(registration: ClientRegistration, now: datetime) -> ClientRegistration:
    """Return it with another secret than before, to be tested at once, where it can be."""
    standing = _after(registration, Act.CHANGE)
    due_at = now if registration.scheme is Scheme.OAUTH else None
    return replace(registration, standing=standing, due_at=due_at, attempts=0, told="")


def repointed(registration: ClientRegistration) -> ClientRegistration:
    """Return it with nothing known of its secret: the versions of two secrets do not compare."""
    return replace(registration, tested=0, tested_at=None, tested_by="", proved_version=0)


def _after(registration: ClientRegistration, act: Act) -> Standing:
    return MOVES[registration.standing][act]
