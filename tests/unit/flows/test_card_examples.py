"""The examples of the cards come to what they say, and every card is declared whole."""

import pytest
from card_kit import computing, outputs_of_example
from flow_files import example_flows

from keyturn.domain.flows.cards.examples import EXAMPLES
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.spec import CardSpec, Effect

SPECS = [CARDS[name] for name in sorted(CARDS)]
ALONE = [spec for spec in SPECS if spec.run or spec.name in EXAMPLES]


@pytest.mark.parametrize("spec", ALONE, ids=lambda spec: spec.name)
def test_an_example_comes_to_what_it_says(spec: CardSpec) -> None:
    """The example of a card that asks nobody runs, and gives what the page says."""
    gives = None if spec.name == "error.raise" else spec.gives
    assert outputs_of_example(spec) == gives


def test_an_example_is_a_flow_that_is_read() -> None:
    """Every card has an example in which nothing is wrong, and which uses the card."""
    for name in CARDS:
        flow = read_flow(example_flows()[name])
        assert name in {card.spec.name for card in flow.every_card}, name


def test_a_card_is_declared_whole() -> None:
    """The card, its inputs, outputs and lanes say in a sentence what they are, each name once."""
    for spec in SPECS:
        parts = [spec, *spec.inputs, *spec.outputs, *spec.lanes]
        assert [each.name for each in parts if not each.doc.endswith(".")] == [], spec.name
        for named in (spec.inputs, spec.outputs, spec.lanes):
            assert len({each.name for each in named}) == len(named), spec.name


def test_what_computes_declares_its_outputs() -> None:
    """A card that computes has no other effect, and gives just the outputs that it declares."""
    for spec in computing():
        assert spec.effect is Effect.NONE, spec.name
        assert spec.gives.keys() == {each.name for each in spec.outputs} or spec.open, spec.name
