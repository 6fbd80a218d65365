"""What uses connections and client secrets: by an alias here, or elsewhere on its own.

Decides who still has to take a new secret up. How somebody takes it up differs: read on each use it
is there at once; read at a start it takes a reload or a restart, which may lose more than it gains.
A connection inside Okta Workflows has it once an admin has put it in; see `workflows`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from keyturn.domain.ids import (
    AliasId,
    ConsumerId,
    FolderId,
    IdentityId,
    OAuthConnectionId,
    RegistrationId,
)
from keyturn.domain.oauth.workflows import Standing

UNCONFIRMED = "not confirmed yet"
"""What is said of a connection inside Okta Workflows before anybody has looked."""


class Adoption(StrEnum):
    """How a consumer comes to a new secret."""

    LIVE = "live"
    """It reads the secret on each use."""
    RELOAD = "reload"
    """It reads the secret again when it is told to, and goes on."""
    RESTART = "restart"
    """It reads the secret once, when it starts."""


class Proof(StrEnum):
    """By what it is known which version a consumer uses."""

    WORD = "word"
    """Somebody has said so."""
    LOG = "log"
    """Okta's System Log shows it."""


@dataclass(frozen=True)
class Consumer:
    """Somebody outside who uses a registration's secret, and how.

    ``identity_id`` is who it reads the secret as, where it reads it here. ``confirmed`` is the
    newest version that it is known to use; a turn waits for it where it is ``required``.

    ``workflows`` is the name of the connection inside Okta Workflows that it is, if it is one. Of
    version ``judged`` Okta's System Log told that an admin has created or reauthorized it at
    ``touched_at``, and ``told`` is what it still lacks.
    """

    id: ConsumerId
    registration_id: RegistrationId
    name: str
    adoption: Adoption
    created_at: datetime
    note: str | None = None
    identity_id: IdentityId | None = None
    required: bool = True
    confirmed: int = 0
    confirmed_at: datetime | None = None
    proof: Proof = Proof.WORD
    workflows: str | None = None
    judged: int = 0
    touched_at: datetime | None = None
    told: str = ""

    def waits_for(self, version: int) -> bool:
        """Say whether it is not known to use this version, or a newer one, and has to."""
        return self.required and self.confirmed < version


@dataclass(frozen=True)
class Alias:
    """A name by which flows and others use a connection; ``previous_id`` is what it led to before.

    Leading it elsewhere is one change of one row, and so is taking that back.
    """

    id: AliasId
    folder_id: FolderId
    name: str
    connection_id: OAuthConnectionId
    created_at: datetime
    changed_at: datetime
    previous_id: OAuthConnectionId | None = None


def confirmed(consumer: Consumer, version: int, now: datetime) -> Consumer:
    """Return it known to use a version; an older one than it is known to use takes nothing back."""
    if version <= consumer.confirmed:
        return consumer
    return replace(consumer, confirmed=version, confirmed_at=now, proof=Proof.WORD, told="")


def judged(consumer: Consumer, version: int, standing: Standing) -> Consumer:
    """Return it as Okta's System Log shows it; what it is known to use is not taken back."""
    if version <= consumer.confirmed:
        return consumer
    told = standing.lack or ""
    seen = replace(consumer, judged=version, touched_at=standing.touched_at, told=told)
    if standing.proved_at is None:
        return seen
    return replace(seen, confirmed=version, confirmed_at=standing.proved_at, proof=Proof.LOG)


def named(consumer: Consumer, version: int) -> str:
    """Name a consumer that is waited for, with what it lacks as far as that is known."""
    if consumer.workflows is None:
        return f"consumer {consumer.name}"
    lacks = consumer.told if consumer.judged == version and consumer.told else UNCONFIRMED
    return f'consumer {consumer.name}, Okta Workflows connection "{consumer.workflows}": {lacks}'


def led_to(alias: Alias, connection_id: OAuthConnectionId, now: datetime) -> Alias:
    """Return an alias that leads to another connection, and knows the way back."""
    if connection_id == alias.connection_id:
        return alias
    before = alias.connection_id
    return replace(alias, connection_id=connection_id, previous_id=before, changed_at=now)
