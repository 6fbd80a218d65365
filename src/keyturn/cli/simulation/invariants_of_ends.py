"""What must hold where a turn ends or stops, and where a world does.

Asked and numbered as in `invariants`.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from keyturn.cli.simulation.events import Commit
from keyturn.cli.simulation.invariants import BEHIND_S, LOOK_S, Wrong, app_is_off
from keyturn.cli.simulation.kept import Kept
from keyturn.cli.simulation.ledger import Ledger
from keyturn.domain.secret import State, Version
from keyturn.domain.turn import Phase, Reason, Turn
from keyturn.sandbox.state.records import Secret as OktaSecret


def what_is_finished_is_gone(ledger: Ledger, commit: Commit) -> Wrong:
    """9: at the end of a turn Okta holds its old credential no more."""
    for turn, _ in commit.turns:
        if turn.phase is not Phase.FINISHED or turn.old is None or turn.app_id not in ledger.kept:
            continue
        for secret in ledger.app(turn.app_id).live_secrets:
            if secret.id == turn.old.okta_id:
                yield f"turn {turn.id} is finished and its old one, {secret.id}, is still there"


def nothing_is_destroyed_that_works(ledger: Ledger, commit: Commit) -> Wrong:
    """2: no value is destroyed while Okta accepts it, but of what a turn says that it leaves."""
    for version in commit.changed:
        if not isinstance(version, Version) or version.state is not State.DESTROYED:
            continue
        kept = ledger.kept.get(ledger.app_of(version))
        if kept is None or version.hash in {v.hash for v in kept.versions.values() if v.sealed}:
            continue  # another version has taken the value over
        for secret in _living(ledger, kept, version.hash):
            if secret.status == "ACTIVE" and secret.id not in ledger.left:
                yield f"version {version.number} is destroyed and works at Okta as {secret.id}"


def _living(ledger: Ledger, kept: Kept, hash_: str | None) -> Iterator[OktaSecret]:
    return (each for each in ledger.app(kept.app_id).live_secrets if each.hash == hash_)


def what_blocks_a_turn_is_so(ledger: Ledger, commit: Commit) -> Wrong:
    """9: a turn that stops says of Okta what was true there within the last moments."""
    for turn, was in commit.turns:
        stops = turn.blocked and not (was and was.blocked)
        kept = ledger.kept.get(turn.app_id)
        if not stops or kept is None or ledger.now_s() - kept.changed_s < LOOK_S:
            continue
        if turn.blocked and _untrue(ledger, kept, turn, turn.blocked.reason):
            yield f"turn {turn.id} is blocked, and it is not so: {turn.blocked.reason.name}"


def _untrue(ledger: Ledger, kept: Kept, turn: Turn, reason: Reason) -> bool:
    if reason is Reason.APP_INACTIVE:
        return ledger.app(kept.app_id).status == "ACTIVE"
    if reason is Reason.FOREIGN_SECRET:
        return not _has_foreign(ledger, kept, turn)
    if reason in (Reason.NEW_SECRET_LOST, Reason.NEW_SECRET_OFF) and turn.new:
        works = any(s.status == "ACTIVE" for s in _living(ledger, kept, turn.new.hash))
        return works and not app_is_off(ledger, kept)
    return False


def _has_foreign(ledger: Ledger, kept: Kept, turn: Turn) -> bool:
    """Say whether the app has more than what the turn holds and what is served.

    What its owner has removed an old list shows on, and nobody can tell. The old value under
    another id was added by another call than the turn knows of.
    """
    ours = {held.hash for held in (turn.old, turn.new) if held} | {ledger.served(kept)[1]}
    known = {version.hash for version in kept.versions.values()}
    shown_since = ledger.org.now() - timedelta(seconds=BEHIND_S[-1] + LOOK_S)
    return any(
        each.hash not in ours or _is_back(turn, each)
        for each in ledger.app(kept.app_id).secrets
        if not each.deleted_at or (each.hash not in known and each.deleted_at >= shown_since)
    )


def _is_back(turn: Turn, secret: OktaSecret) -> bool:
    old = turn.old
    return old is not None and secret.hash == old.hash and secret.id != old.okta_id


def nothing_of_ours_is_left_over(ledger: Ledger, kept: Kept) -> Wrong:
    """9: in the end an app has what is served, what an open turn holds, and what is not ours.

    What somebody else has deactivated is there until the next turn clears it. Whoever gives a
    connection a key by hand answers for those that it had before.
    """
    if kept.rules.of_connection and ledger.access.given:
        return
    turns = ledger.open_turns(kept.app_id)
    held = {each.hash for turn in turns for each in (turn.old, turn.new) if each}
    known = {version.hash for version in kept.versions.values()} - ledger.lost
    for secret in ledger.app(kept.app_id).live_secrets:
        ours = secret.hash in known and secret.made_by == ledger.principal
        off = secret.status != "ACTIVE" and secret.hash in ledger.taken
        if ours and not off and secret.hash not in held | {ledger.served(kept)[1]}:
            yield f"{secret.id} ({secret.status}) of app {kept.app_id} is left over"


OF_COMMITS: Sequence[Callable[[Ledger, Commit], Wrong]] = (
    what_is_finished_is_gone,
    nothing_is_destroyed_that_works,
    what_blocks_a_turn_is_so,
)
