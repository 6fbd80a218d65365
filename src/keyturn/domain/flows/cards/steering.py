"""How cards that steer are declared."""

from keyturn.domain.flows.cards.examples import EXAMPLES
from keyturn.domain.flows.spec import CardSpec, Effect, Input, Lane, Output, Steer
from keyturn.domain.flows.values import Bound, seen

NOTHING: Bound = seen({})
"""What a card gives that gives nothing."""


def steers(
    name: str,
    doc: str,
    steer: Steer,
    *inputs: Input,
    outputs: tuple[Output, ...] = (),
    lanes: tuple[Lane, ...] = (),
) -> CardSpec:
    """Declare a card that decides which cards run."""
    example, gives = EXAMPLES.get(name, ({}, {}))
    return CardSpec(
        name,
        doc,
        inputs,
        outputs,
        Effect.CONTROL,
        steer=steer,
        lanes=lanes,
        example=example,
        gives=gives,
    )
