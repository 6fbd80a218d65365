"""What must always hold of what people decide: no turn heeds what nobody has said.

Asked and numbered as in `invariants`.
"""

from collections.abc import Callable, Mapping, Sequence

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.events import Commit, Effect
from keyturn.cli.simulation.invariants import Wrong, never_served, secret_named
from keyturn.cli.simulation.ledger import Ledger
from keyturn.cli.simulation.processes import Work
from keyturn.domain.turn import TAKING_BACK, Overlap, Phase, Trigger, Turn, Word
from keyturn.services.duties import Doing

TURNS = ("order turn", "order give key")
"""Who wants the next turn may end the one under way for it."""
SAYING: Mapping[Word, Sequence[str]] = {
    Word.FINISH: ("order finish now",),
    Word.AT_ONCE: ("order emergency", "order finish at once", "order close"),
    Word.REINSTATE: ("order reinstate",),
    Word.ABORT: ("order abort", "order emergency", "order repair", *TURNS),
    Word.GIVE_WAY: ("order emergency", "order repair", *TURNS),
}
"""By which orders somebody says each word."""


def no_turn_heeds_what_nobody_has_said(ledger: Ledger, commit: Commit) -> Wrong:
    """4: a turn is told by people, an emergency, a repair or the next turn, and of their app."""
    work = commit.work
    for turn, was in commit.turns:
        fresh = turn.word not in (None, was.word if was else None)
        if work and turn.word and fresh and not _said(ledger, work, turn, was):
            yield f"turn {turn.id} was told {turn.word!r} by {work}, and nobody has said so"


def _said(ledger: Ledger, work: Work, turn: Turn, was: Turn | None) -> bool:
    if work.about in ("", turn.app_id) and work.what in SAYING[turn.word or Word.FINISH]:
        return True
    if turn.word is Word.FINISH:
        return _makes_room(ledger, work, was)
    if turn.word is Word.AT_ONCE:
        booked = was is None and turn.trigger is Trigger.MANUAL and work.what == Doing.STARTING
        closes = booked or work.what == Doing.EMERGENCIES
        alone = work.what == "order turn" and not work.about  # that of one turn
        return alone or (closes and turn.app_id in ledger.closed)
    back = was is not None and turn.reinstated > was.reinstated
    return turn.word in TAKING_BACK and (back or _repairs(ledger, turn))


def _makes_room(ledger: Ledger, work: Work, was: Turn | None) -> bool:
    """Say whether a turn that waits for the next one is told that this is due."""
    kept = ledger.kept.get(was.app_id) if was else None
    if was is None or kept is None or was.phase is not Phase.OVERLAPPING:
        return False
    orders = kept.orders_lately(ledger.now_s())
    waits = any(order.policy.overlap is Overlap.UNTIL_NEXT for order in orders)
    return waits and work.what in (*TURNS, "order repair", Doing.STARTING)


def _repairs(ledger: Ledger, turn: Turn) -> bool:
    kept = ledger.kept.get(turn.app_id)
    return kept is not None and any(o.policy.repair for o in kept.orders_lately(ledger.now_s()))


def a_paused_turn_stands_still(ledger: Ledger, commit: Commit) -> Wrong:
    """4: nobody claims or moves a turn that somebody has paused, but by another order."""
    for turn, was in commit.turns:
        paused = was is not None and was.paused_at and turn.paused_at
        if was and paused and (turn.epoch, turn.phase) != (was.epoch, was.phase):
            yield f"turn {turn.id} is paused, and {commit.work} went on with it"


def a_paused_turn_asks_okta_nothing(ledger: Ledger, sent: Sent) -> Wrong:
    """4: no work that was begun after a turn was paused makes a call for it."""
    work = sent.work
    turn = ledger.turns.get(work.turn_id or "") if work else None
    if work is None or turn is None or turn.paused_at is None:
        return
    if work.begun_s > ledger.paused_s.get(turn.id, ledger.now_s()):
        yield f"turn {turn.id} is paused, and {work} sent {sent.kind}"


def what_is_to_come_back_comes_back(ledger: Ledger, commit: Commit) -> Wrong:
    """4: a turn that is told to reinstate the old one does so, blocks, or is told otherwise."""
    if commit.work is None or commit.work.what != "turn":
        return
    for turn, was in commit.turns:
        told = was is not None and was.word is Word.REINSTATE
        kept = turn.word is Word.REINSTATE and turn.open
        if was and told and not kept and turn.reinstated == was.reinstated:
            yield f"turn {turn.id} was to reinstate the old one, and forgot it"


def nothing_is_deleted_before_it_has_soaked(ledger: Ledger, effect: Effect) -> Wrong:
    """4: what was retired can be reinstated for as long as the policy says, but by a word."""
    secret, kept = secret_named(ledger, effect), ledger.kept.get(effect.sent.app_id)
    if secret is None or kept is None or effect.sent.kind != "delete":
        return
    turn_id = effect.sent.work.turn_id if effect.sent.work else None
    since_s = kept.retired_s.get(secret.hash)
    its_own = kept.retired_by.get(secret.hash) == turn_id and turn_id not in kept.words
    if since_s is None or not its_own or never_served(ledger, kept, secret):
        return
    soaked_s = ledger.now_s() - since_s + ledger.jumped_since_s(since_s)
    least_s = min(order.policy.soak_s for order in kept.orders_lately(ledger.now_s()))
    if soaked_s < least_s - 0.001:
        yield f"{secret.id} was deleted {soaked_s:.3f} s after its retirement, of {least_s}"


OF_COMMITS: Sequence[Callable[[Ledger, Commit], Wrong]] = (
    no_turn_heeds_what_nobody_has_said,
    a_paused_turn_stands_still,
    what_is_to_come_back_comes_back,
)
OF_EFFECTS: Sequence[Callable[[Ledger, Effect], Wrong]] = (nothing_is_deleted_before_it_has_soaked,)
