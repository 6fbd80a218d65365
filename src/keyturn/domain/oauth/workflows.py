"""Whether a connection inside Okta Workflows has the new client secret, by Okta's System Log.

No API changes the copy that such a connection keeps: an admin creates it anew, or reauthorizes it.
The event of that only says that somebody tried, so what proves it is a token that Okta grants for
the new secret after it. Decides from events alone; knows nothing of how they were read.

The log does not say of a grant which connection it is for. What is counted errs on the side of
waiting: of several connections, each needs the authorization code of its own that came after its
own event; of one alone, a renewal tells as much.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Touch:
    """An admin has created or reauthorized a connection; ``names`` is what it may be called.

    The event also names the service that it leads to, and Okta does not say which is which.
    """

    at: datetime
    names: tuple[str, ...]


@dataclass(frozen=True)
class SecretUse:
    """Okta has granted tokens for the ``new`` secret, or was shown the old one.

    ``first`` is whether somebody has just authorized that, and it is no renewal.
    """

    at: datetime
    new: bool
    first: bool = False


@dataclass(frozen=True)
class WorkflowsLog:
    """What the System Log tells since the new secret is served."""

    touches: tuple[Touch, ...] = ()
    uses: tuple[SecretUse, ...] = ()


class Lack(StrEnum):
    """What a connection still lacks, and who must do what."""

    UNSEEN = (
        "Okta's System Log cannot be read, which needs okta.logs.read: whoever has put the new "
        "secret in says so (`keyturn registration consumer confirm`)"
    )
    UNTOUCHED = "nobody has created or reauthorized it since the new secret is served"
    UNPROVED = "it was created or reauthorized, and no token was granted for the new secret since"
    RELAPSED = (
        "the old secret was used after it was created or reauthorized: put the new one in again"
    )


@dataclass(frozen=True)
class Standing:
    """How far a connection has come: when an admin has touched it last, and when it was proved."""

    touched_at: datetime | None = None
    proved_at: datetime | None = None
    lack: Lack | None = None


def judge(
    log: WorkflowsLog, told: Collection[str], waited: Collection[str]
) -> Mapping[str, Standing]:
    """Decide how far the connections have come that are ``waited`` for, by their names.

    ``told`` are all that are known to use the secret.
    """
    alone = len(set(told)) == 1 and all(set(told) <= set(touch.names) for touch in log.touches)
    own = {name: _own_grants(log, name, alone=alone) for name in waited}
    return {name: _standing(log, name, own) for name in waited}


def _standing(log: WorkflowsLog, name: str, own: Mapping[str, Collection[datetime]]) -> Standing:
    touched_at = _touched_at(log, name)
    if touched_at is None:
        return Standing(lack=Lack.UNTOUCHED)
    others = [grants for other, grants in own.items() if other != name]
    relapses = [
        use.at
        for use in log.uses
        if not use.new and use.at >= touched_at and not _explained(use.at, others)
    ]
    proofs = [at for at in own[name] if all(at > relapse for relapse in relapses)]
    if proofs:
        return Standing(touched_at, min(proofs))
    return Standing(touched_at, lack=Lack.RELAPSED if relapses else Lack.UNPROVED)


def _explained(at: datetime, others: Collection[Collection[datetime]]) -> bool:
    """Say whether another connection may have used the old secret: it had no new one by then."""
    return any(all(grant >= at for grant in grants) for grants in others)


def _own_grants(log: WorkflowsLog, name: str, *, alone: bool) -> tuple[datetime, ...]:
    """List when tokens were granted for the new secret that can only be this connection's."""
    touched_at = _touched_at(log, name)
    if touched_at is None:
        return ()
    return tuple(
        use.at
        for use in log.uses
        if use.new and use.at >= touched_at
        if alone or (use.first and name in _touched_before(log, use.at))
    )


def _touched_at(log: WorkflowsLog, name: str) -> datetime | None:
    return max((touch.at for touch in log.touches if name in touch.names), default=None)


def _touched_before(log: WorkflowsLog, at: datetime) -> tuple[str, ...]:
    """Return the names of the connection that was touched last before a grant."""
    before = [touch for touch in log.touches if touch.at <= at]
    return max(before, key=lambda touch: touch.at).names if before else ()
