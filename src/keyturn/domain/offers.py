"""Which orders a rotation would heed now, and why it would not heed the others.

For whoever is to choose one. `orders` decides the same once more when one is given; nothing is
decided here that is not decided there.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from keyturn.domain.evidence import floor_over_at
from keyturn.domain.orders import possible, unretired, waits_for_next
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Phase, Turn


class Order(StrEnum):
    """What may be asked of a rotation and its turn, by its name on the command line."""

    TURN = "turn"
    EMERGENCY = "turn --emergency"
    PAUSE = "pause"
    RESUME = "resume"
    REINSTATE = "reinstate"
    FINISH_NOW = "finish-now"
    AT_ONCE = "finish-now --at-once"
    ABORT = "abort"


NONE_OPEN = "No turn is open."
ENDING = "The rotation is being ended: delete it again to complete that."


def why_not(rotation: Rotation, turn: Turn | None, now: datetime) -> Mapping[Order, str]:
    """Tell of every order why it would be refused, and nothing of one that would be heeded.

    ``turn`` is the open or last one.
    """
    going = turn if turn and turn.open else None
    return {order: _why_not(order, rotation, going, now) for order in Order}


def _why_not(order: Order, rotation: Rotation, turn: Turn | None, now: datetime) -> str:
    if order in (Order.TURN, Order.EMERGENCY):
        return _no_start(rotation, turn, now, emergency=order is Order.EMERGENCY)
    if turn is None:
        return NONE_OPEN
    if order.partition(" ")[0] in possible(turn):
        return ""
    noun = turn.rules.noun
    return {
        Order.PAUSE: "The turn stands still already.",
        Order.RESUME: "The turn goes on by itself.",
        Order.ABORT: (
            f"Readers may hold the new {noun} already, so it stays. Where Okta has lost it, "
            "`keyturn turn abort` finds that out and has the old one served again."
        ),
        Order.REINSTATE: f"{unretired(turn)[0].upper()}{unretired(turn)[1:]}",
        Order.FINISH_NOW: "There is no overlap or soak yet that could be cut short.",
        Order.AT_ONCE: "There is no overlap or soak yet that could be cut short.",
    }[order]


def _no_start(rotation: Rotation, turn: Turn | None, now: datetime, *, emergency: bool) -> str:
    if rotation.ending:
        return ENDING
    if turn is None or turn.blocked:
        return ""
    if turn.paused_at:
        return "A turn is paused: resume it, or abort it, first."
    if not waits_for_next(turn, rotation.policy):
        return "A turn is under way: wait for its end, or cut it short."
    over_at = floor_over_at(turn, rotation.policy)
    if turn.phase is Phase.OVERLAPPING and now < over_at and not emergency:
        return (
            f"Both work until {over_at:%Y-%m-%d %H:%M:%S} UTC at least: clients may hold the old."
        )
    return ""
