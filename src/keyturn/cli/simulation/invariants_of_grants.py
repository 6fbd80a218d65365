"""What must always hold of connections and of the clients that they are made with.

Asked and numbered as in `invariants`.
"""

from collections.abc import Callable, Sequence

from keyturn.cli.simulation.events import Effect
from keyturn.cli.simulation.grants import IN_USE
from keyturn.cli.simulation.invariants import (
    Wrong,
    app_is_off,
    beyond_the_floor,
    retired_unasked,
)
from keyturn.cli.simulation.ledger import REFUSED_CLIENT, Ledger
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.turn import TAKING_BACK, Word

HARD_WORDS = (Word.AT_ONCE, *TAKING_BACK)
"""Who says one of these ends at once what somebody may have in hand."""


def no_connection_is_refused(ledger: Ledger, effect: Effect) -> Wrong:
    """1: Okta accepts the client behind every request of a connection.

    Whoever stood still for longer than the shortest overlap may come with what was served before.
    """
    kept, sent = ledger.find_client(effect.entry), effect.sent
    if kept is None or effect.entry.outcome != REFUSED_CLIENT or app_is_off(ledger, kept):
        return
    used = ledger.find_used(effect.entry)
    if used and (used.hash in ledger.taken or kept.retired_for(used.hash) in HARD_WORDS):
        return
    begun_s = sent.work.begun_s if sent.work else sent.at_s
    if not beyond_the_floor(ledger, kept, ledger.now_s() - begun_s):
        yield f"{sent.work} asked {sent.path} as app {kept.app_id} and was refused as a client"


def nothing_is_retired_before_it_is_proved(ledger: Ledger, effect: Effect) -> Wrong:
    """4: no old one is deactivated before every client in use was accepted with what is served."""
    kept = retired_unasked(ledger, effect)
    if not kept or not kept.registration_id or kept.current is None:
        return
    using = ledger.grants.in_use(kept.registration_id, kept.promoted_s)
    if using and kept.current.hash not in kept.proved:
        yield f"{effect.sent.secret_id} was deactivated, and {using[0].name} has not proved the new"


def every_grant_gives_a_token(ledger: Ledger, connection: Connection) -> Wrong:
    """9: once faults have stopped, a connection that has not lapsed gives a token that is good."""
    kept = ledger.client_of(connection)
    dead = kept.current is None or (kept.current.hash or "") in ledger.taken
    if connection.state in IN_USE and not dead and not app_is_off(ledger, kept):
        yield f"connection {connection.name} ({connection.state}) gives none: {connection.told}"


def a_grant_lapses_only_when_it_is_over(
    ledger: Ledger, before: Connection | None, after: Connection
) -> Wrong:
    """10: a grant is given up only where the org has ended it, or where an answer was lost."""
    lapses = after.state is State.LAPSED and (before is None or before.state is not State.LAPSED)
    if lapses and not ledger.grants.over(after.id):
        yield f"connection {after.name} lapsed ({after.cause}), and nobody has ended its grant"


OF_EFFECTS: Sequence[Callable[[Ledger, Effect], Wrong]] = (nothing_is_retired_before_it_is_proved,)
