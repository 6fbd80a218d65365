"""How a rollout in waves goes on: who may start, how each stands, and when the next wave opens.

Decides by what is on record of its members' turns. Knows no clock, no Okta and no store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.drift import Finding
from keyturn.domain.rollout import Approval, Member, Order, Rollout, Standing, State
from keyturn.domain.turn import UNSERVED, Phase, Turn

GONE = "The rotation is not there any more."
LASTS = "The new secret is served; both work until the turn after this one."
GO_ON_AT = (Phase.OVERLAPPING, Phase.SOAKING, Phase.FINISHED)
"""In which phase a turn may be good enough for the next wave to begin."""

_CLOSED = (Phase.RETIRED, Phase.SOAKING)
_GOOD: Mapping[Phase, frozenset[Phase]] = {
    Phase.OVERLAPPING: frozenset({Phase.OVERLAPPING, *_CLOSED}),
    Phase.SOAKING: frozenset({Phase.SOAKING}),
    Phase.FINISHED: frozenset(),
}


@dataclass(frozen=True)
class Next:
    """What follows for a rollout: an order, if any, the wave that is meant, and why."""

    order: Order | None
    wave: int
    told: str = ""


def followed(
    member: Member, turn: Turn | None, now: datetime, drift: Finding | None = None
) -> Member:
    """Return a member as its turn stands now; ``drift`` is what was found in it since it began."""
    if drift and member.standing is not Standing.FAILED:
        return failed(member, f"Okta differs from the record: {drift.detail}", now)
    if member.standing is Standing.DONE:
        return member
    if turn is None:
        return _ended(member, Standing.SKIPPED, now, GONE)
    if turn.phase is Phase.FINISHED:
        return replace(
            _ended(member, Standing.DONE, now), closed_at=member.closed_at or turn.ended_at
        )
    if member.until_next and turn.phase is Phase.OVERLAPPING and not turn.reinstated:
        return _ended(member, Standing.DONE, now, LASTS)
    if failure := _failure(turn):
        return failed(member, failure, now)
    if turn.phase in _CLOSED:
        closed_at = member.closed_at or turn.entered_at
        return replace(member, standing=Standing.CLOSED, closed_at=closed_at)
    return member


def _failure(turn: Turn) -> str:
    if turn.blocked:
        return f"The turn is blocked: {turn.blocked}"
    if turn.phase is Phase.ROLLED_BACK:
        return "The new secret was taken back; the one served before works on."
    if turn.reinstated:
        return "The old secret had to be reinstated: somebody still uses it."
    return ""


def _ended(member: Member, standing: Standing, now: datetime, told: str = "") -> Member:
    return replace(member, standing=standing, told=told, ended_at=now)


def skipped(member: Member, why: str, now: datetime) -> Member:
    """Return a member left out, and why."""
    return _ended(member, Standing.SKIPPED, now, why)


def failed(member: Member, why: str, now: datetime) -> Member:
    """Return a member whose turn went wrong or could not be started, and why."""
    return _ended(member, Standing.FAILED, now, why)


def begun(member: Member, turn: Turn, now: datetime) -> Member:
    """Return a member whose turn has been started."""
    return replace(
        member,
        standing=Standing.TURNING,
        turn_id=turn.id,
        begun_at=now,
        closed_at=None,
        ended_at=None,
        told="",
    )


def mended(member: Member, turn: Turn | None, now: datetime) -> Member:
    """Return a failed member as it goes on: its turn, where that goes well by now, or another."""
    if turn and turn.running and not turn.reinstated:
        return replace(member, standing=Standing.TURNING, told="", ended_at=None)
    if turn and turn.phase is Phase.FINISHED:
        return _ended(member, Standing.DONE, now)
    return replace(
        member, standing=Standing.WAITING, turn_id=None, begun_at=None, told="", ended_at=None
    )


def left_behind(gate: Member | None) -> str:
    """Say why a member is left out by what has become of who goes before it; nothing if it is not.

    In an org for trying things out only what went well there is a try.
    """
    if gate is None or gate.standing is not Standing.SKIPPED:
        return ""
    return f"Number {gate.number}, {gate.name}, was left out, so that nothing was tried before it."


def is_good(member: Member, turn: Turn | None, rollout: Rollout) -> bool:
    """Say whether a member keeps no other waiting any more."""
    if member.standing in {Standing.DONE, Standing.SKIPPED}:
        return True
    under_way = member.standing in {Standing.TURNING, Standing.CLOSED}
    return under_way and turn is not None and turn.phase in _GOOD[rollout.go_on_at]


def startable(
    rollout: Rollout, members: Sequence[Member], turns: Mapping[str, Turn]
) -> Sequence[Member]:
    """Return whose turns may start now, in order; one that failed lets nothing start.

    Among them is who waits no longer because who goes before was left out: see `left_behind`.
    """
    wrong = any(each.standing is Standing.FAILED for each in members)
    if rollout.state is not State.RUNNING or wrong:
        return ()
    by_number = {each.number: each for each in members}
    return [
        each
        for each in members
        if each.wave == rollout.wave
        and each.standing is Standing.WAITING
        and (not each.behind or _passed(by_number[each.behind], turns, rollout))
    ]


def unserved(members: Iterable[Member], turns: Mapping[str, Turn]) -> int:
    """Count the turns under way that nobody has been served anything of yet."""
    return sum(_is_unserved(each, turns) for each in members)


def _passed(member: Member, turns: Mapping[str, Turn], rollout: Rollout) -> bool:
    return is_good(member, turns.get(member.turn_id or ""), rollout)


def _is_unserved(member: Member, turns: Mapping[str, Turn]) -> bool:
    turn = turns.get(member.turn_id or "")
    return member.standing is Standing.TURNING and turn is not None and turn.phase in UNSERVED


def what_next(
    rollout: Rollout,
    members: Sequence[Member],
    turns: Mapping[str, Turn],
    approvals: Iterable[Approval],
    now: datetime,
) -> Next:
    """Decide what follows for a rollout: halt, wait for an approval, open a wave, or finish."""
    stays = Next(None, rollout.wave)
    if rollout.state not in {State.RUNNING, State.AWAITING}:
        return stays
    wrong = [each for each in members if each.standing is Standing.FAILED]
    if wrong:
        return Next(Order.HALT, rollout.wave, _why_halted(wrong))
    if rollout.state is State.AWAITING:
        ready = _is_approved(rollout, rollout.wave, approvals, now)
        return Next(Order.APPROVE, rollout.wave) if ready else stays
    wave = _wave_due(rollout, members, turns)
    if wave is None:
        return Next(Order.FINISH, rollout.wave, _who_left(members))
    unbegun = all(each.begun_at is None for each in members if each.wave == wave)
    wanted = rollout.approvals and unbegun
    if wanted and not _is_approved(rollout, wave, approvals, now):
        return Next(Order.AWAIT, wave)
    return Next(None, wave)


def _wave_due(rollout: Rollout, members: Sequence[Member], turns: Mapping[str, Turn]) -> int | None:
    """Return the wave that is under way or may begin; None where nothing is left to do."""
    if not all(_passed(each, turns, rollout) for each in members if each.wave <= rollout.wave):
        return rollout.wave
    later = [each.wave for each in members if each.wave > rollout.wave]
    if later:
        return min(later)
    over = {Standing.DONE, Standing.SKIPPED}
    return None if all(each.standing in over for each in members) else rollout.wave


def _is_approved(rollout: Rollout, wave: int, approvals: Iterable[Approval], now: datetime) -> bool:
    return any(
        each.wave == wave and each.plan_hash == rollout.plan_hash and now < each.expires_at
        for each in approvals
    )


def _who_left(members: Iterable[Member]) -> str:
    """Tell that not all have turned, where that is so."""
    left = sum(each.standing is Standing.SKIPPED for each in members)
    return f"Rotations that were left out: {left}." if left else ""


def _why_halted(wrong: Sequence[Member]) -> str:
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    first = wrong[0]
    return f"Wave {first.wave}: {first.name}{more}. {first.told}"
