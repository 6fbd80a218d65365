"""What must always hold of the key by which the product itself logs in at the org.

Asked and numbered as in `invariants`.
"""

from collections.abc import Callable, Sequence

from keyturn.cli.simulation.events import Effect
from keyturn.cli.simulation.invariants import Wrong, app_is_off, beyond_the_floor
from keyturn.cli.simulation.invariants_of_grants import HARD_WORDS
from keyturn.cli.simulation.kept import Kept
from keyturn.cli.simulation.kinds import ShownKey
from keyturn.cli.simulation.ledger import REFUSED_CLIENT, Ledger


def we_use_what_is_served(ledger: Ledger, kept: Kept) -> Wrong:
    """1: the connection uses the key that is served, from the same commit on.

    Or one that somebody has given it by hand, and that was never this rotation's.
    """
    _, hash_ = ledger.served(kept)
    by_hand = hash_ in ledger.access.given - kept.served
    if not kept.rules.of_connection or kept.current is None or by_hand:
        return
    if hash_ != kept.current.hash:
        yield f"version {kept.current.number} is served and the connection uses another key"


def no_log_in_of_ours_is_refused(ledger: Ledger, effect: Effect) -> Wrong:
    """1: the key of every log-in of ours is one that Okta accepts.

    Whoever stood still for longer than the shortest overlap may come with what was used before. A
    refusal of a key that Okta accepts is about something else: a clock that was set.
    """
    kept, sent = ledger.find_client(effect.entry), effect.sent
    ours = kept is not None and kept.rules.of_connection and bool(sent.key)
    if kept is None or not ours or effect.entry.outcome != REFUSED_CLIENT:
        return
    used = _find_named(ledger, kept, sent.key)
    if app_is_off(ledger, kept) or (used and used.accepts(ledger.org.now())):
        return
    if used and (used.hash in ledger.taken or kept.retired_for(used.hash) in HARD_WORDS):
        return
    begun_s = sent.work.begun_s if sent.work else sent.at_s
    if not beyond_the_floor(ledger, kept, ledger.now_s() - begun_s):
        yield f"{sent.work} logged in by key {sent.key} of app {kept.app_id}, and was refused"


def _find_named(ledger: Ledger, kept: Kept, name: str) -> ShownKey | None:
    keys = [key for key in ledger.app(kept.app_id).secrets if isinstance(key, ShownKey)]
    return next((key for key in keys if key.name == name), None)


def we_get_in_again(ledger: Ledger, kept: Kept) -> Wrong:
    """9: once faults have stopped, and people have put right what is theirs, we can log in."""
    value, _ = ledger.served(kept)
    found = ledger.find_secret(kept.app_id, value)
    good = found and found.accepts(ledger.org.now())
    if kept.rules.of_connection and not good:
        yield f"app {kept.app_id} has no ACTIVE key that the connection uses"


STANDING: Sequence[Callable[[Ledger, Kept], Wrong]] = (we_use_what_is_served,)
OF_EFFECTS: Sequence[Callable[[Ledger, Effect], Wrong]] = (no_log_in_of_ours_is_refused,)
