"""Keyturn's own cards: its secrets and its rotations, as far as the flow may use them."""

from itertools import count
from typing import Final

from keyturn.domain.flows.expressions import step_into
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import CONNECTOR_S, LONGEST_S, CardSpec, Effect, Input, Output
from keyturn.domain.flows.values import Bound, Kind, Value
from keyturn.domain.flows.walk import Act, Going, Here, Sleep

LOOK_MIN_S, LOOK_MAX_S = 10.0, 3600.0
DAY_S: Final = 86_400.0
SERVED, ENDED = "served", "ended"
_ROTATION: Final = Input("rotation", Kind.TEXT, "The rotation's name, in the flow's folder.")
_FAILURES: Final = (Failure.MISSING, Failure.FORBIDDEN)
_TURN: Final = (
    Output("turn", Kind.TEXT, "The turn's id; null where there was none yet."),
    Output("phase", Kind.TEXT, "Where it stands, such as overlapping or finished."),
    Output("served", Kind.BOOLEAN, "Whether readers are given the new secret."),
    Output("ended", Kind.BOOLEAN, "Whether it has come to its end."),
    Output("blocked", Kind.TEXT, "Why it does not go on and who has to act; empty where it does."),
)


def _wait(here: Here) -> Going:
    """Look again and again; in between, the run takes nothing."""
    left_s = _patience_s(here, here.given("at_most_s").value)
    until = here.given("until").value
    for number in count(1):
        sent = yield Act(f"{here.at}look[{number}]", here.card, here.inputs)
        if not isinstance(sent, Bound):
            raise TypeError
        if _told(sent, str(until)) or _told(sent, ENDED) or left_s <= 0:
            return sent
        pause_s = min(max(LOOK_MIN_S, left_s), _pause_s(sent))
        left_s -= pause_s
        yield Sleep(f"{here.at}pause[{number}]", pause_s)
        yield from here.walk.count()
    raise CardFailure(Failure.DEFECT, "A count came to its end.")


def _told(sent: Bound, name: str) -> bool:
    found = step_into(sent, name)
    return found is not None and found.value is True


def _pause_s(sent: Bound) -> float:
    found = step_into(sent, "next_look_s")
    told = found.value if found else None
    wanted = told if isinstance(told, int | float) else LOOK_MIN_S
    return min(max(LOOK_MIN_S, wanted), LOOK_MAX_S)


def _patience_s(here: Here, told: Value) -> float:
    most_s = here.walk.allowance.wait_s
    if isinstance(told, int | float) and 0 <= told <= most_s:
        return told
    raise wrong_input("at_most_s", f"must be from 0 to {most_s / DAY_S:g} days, in seconds")


CARDS: Final = (
    CardSpec(
        "keyturn.read_secret",
        "Read a secret that is named in the run; those that are named in the file are references.",
        (
            Input("name", Kind.TEXT, "The secret's name."),
            Input(
                "path",
                Kind.TEXT,
                "The folder in the flow's environment; without one, the flow's own.",
                required=False,
            ),
        ),
        (
            Output("value", Kind.TEXT, "Its value.", secret=True),
            Output("version", Kind.NUMBER, "The number of its version."),
        ),
        Effect.READ,
        timeout_s=CONNECTOR_S,
        failures=_FAILURES,
        example={"card": "keyturn.read_secret", "with": {"name": "OKTA_CLIENT_SECRET"}},
    ),
    CardSpec(
        "keyturn.start_turn",
        "Turn the client secret of a rotation; done once the new secret is served.",
        (
            _ROTATION,
            Input(
                "emergency",
                Kind.BOOLEAN,
                "Whether the old secret has leaked: it is given no time.",
                required=False,
                default=False,
            ),
        ),
        _TURN,
        Effect.WRITE,
        timeout_s=LONGEST_S,
        failures=(*_FAILURES, Failure.HTTP, Failure.TIMEOUT, Failure.UNKNOWN_OUTCOME),
        example={"card": "keyturn.start_turn", "with": {"rotation": "my-rotation"}},
    ),
    CardSpec(
        "keyturn.wait_for_turn",
        "Go on when the turn of a rotation has got so far; until then the run takes nothing.",
        (
            _ROTATION,
            Input(
                "until",
                Kind.TEXT,
                "Until the new secret is served, or until the turn has ended.",
                required=False,
                default=ENDED,
                options=(SERVED, ENDED),
            ),
            Input(
                "at_most_s",
                Kind.NUMBER,
                "After how many seconds to go on all the same; 0 looks once.",
                required=False,
                default=86_400,
            ),
        ),
        (
            *_TURN,
            Output("next_look_s", Kind.NUMBER, "In how many seconds more may be known; or null."),
        ),
        Effect.READ,
        steer=_wait,
        timeout_s=CONNECTOR_S,
        failures=_FAILURES,
        example={"card": "keyturn.wait_for_turn", "with": {"rotation": "my-rotation"}},
    ),
    CardSpec(
        "keyturn.list_rotations",
        "List the rotations of the flow's folder, and how each does.",
        (),
        (
            Output("records", Kind.LIST, "Objects of rotation, turn, phase, next_at and blocked."),
            Output("count", Kind.NUMBER, "How many."),
        ),
        Effect.READ,
        timeout_s=CONNECTOR_S,
        failures=_FAILURES,
        example={"card": "keyturn.list_rotations"},
    ),
)
