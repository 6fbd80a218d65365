"""The words in which a step is decided: where to look, what was seen, and what to do.

Decides nothing: `keyturn.domain.steps` does. What follows a failure is in `failures`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyturn.domain.evidence import Evidence, LogSight
from keyturn.domain.failures import Block, Wait
from keyturn.domain.ids import CredentialId, SecretHash
from keyturn.domain.okta import App, Credential, Probe
from keyturn.domain.turn import Act, Opened, Turn, Word


class Sight(StrEnum):
    """Where to look before deciding."""

    CREDENTIALS = "credentials"
    APP = "app"
    OLD_PROBE = "old probe"
    NEW_PROBE = "new probe"
    EVIDENCE = "evidence"
    LOG = "log"
    MAKER = "maker"


class Maker(StrEnum):
    """Who made a credential, by Okta's System Log."""

    OURS = "ours"
    OTHERS = "others"
    UNTOLD = "untold"
    """The log does not tell, or not yet."""


@dataclass(frozen=True)
class Seen:
    """What was just observed; None where nobody has looked yet.

    ``served`` is the hash that readers are given now; ``unconfirmed`` names the destinations and
    dependents that do not have the new version yet. ``app_gone`` is a look that found no app.
    ``superseded`` are the hashes that Keyturn served before and nothing needs any more;
    ``maker`` tells who made a credential that may be ours. ``okta_at`` is when it was listed, by
    Okta's own clock.
    """

    served: SecretHash | None = None
    unconfirmed: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] | None = None
    app: App | None = None
    app_gone: bool = False
    old_probe: Probe | None = None
    new_probe: Probe | None = None
    evidence: Evidence | None = None
    log: LogSight | None = None
    superseded: frozenset[SecretHash] = frozenset()
    maker: Maker | None = None
    okta_at: datetime | None = None


@dataclass(frozen=True)
class Look:
    """Observe this first, then ask again."""

    at: Sight


@dataclass(frozen=True)
class Do:
    """Act; ``target`` is the credential at Okta, or None where Okta needs no call.

    ``opened`` says what opened the gate to it, ``why`` more for people. ``word`` is what stands of
    the operator's word after a credential was reinstated.
    """

    act: Act
    target: CredentialId | None = None
    opened: Opened | None = None
    why: str = ""
    word: Word | None = None


Step = Look | Do | Wait | Block


def by_hash(listed: tuple[Credential, ...], wanted: SecretHash) -> Credential | None:
    """Find a credential by its hash; of two with the same, the ACTIVE one."""
    same = [each for each in listed if each.hash == wanted]
    return next((each for each in same if each.active), same[0] if same else None)


def by_id(listed: tuple[Credential, ...], wanted: CredentialId | None) -> Credential | None:
    """Find a credential by Okta's id."""
    return next((each for each in listed if each.id == wanted), None)


def list_added(turn: Turn, listed: tuple[Credential, ...]) -> list[Credential]:
    """List what was not there before Okta was asked to add one; none where it was not asked yet.

    The turn's old one was there, whatever an empty list has shown then.
    """
    if turn.posted is None:
        return []
    before = {*turn.posted.beside.split(), turn.old.okta_id if turn.old else None}
    return [each for each in listed if each.id not in before]
