"""What holds for every card that computes, whatever it is given."""

import json
from sys import getsizeof

import pytest
from card_kit import OF_KIND, computing, covers, hidden_in, inputs_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.domain.flows.expressions import Scope, evaluate, parse_template
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.spec import CardSpec
from keyturn.domain.flows.values import (
    DEPTH_MAX,
    TEXT_MAX,
    Kind,
    TooLarge,
    Value,
    fits,
    seen,
    size_of,
    text_of,
)

SPECS = computing()
MOVING = [spec for spec in SPECS if spec.mirrors]
odd = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outputs(spec: CardSpec, inputs: dict[str, Value]) -> dict[str, Value] | None:
    """Run a card; None where it fails as cards may."""
    assert spec.run
    try:
        return dict(spec.run(inputs))
    except CardFailure as failure:
        if failure.kind not in spec.failures:
            raise
        return None


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@odd
@given(data=st.data())
def test_a_card_gives_what_it_declares_or_fails(spec: CardSpec, data: st.DataObject) -> None:
    """Inputs of the declared kinds come to outputs of theirs or to a failure, and stay as they are.

    Done again, it comes to the same.
    """
    inputs = data.draw(inputs_of(spec))
    before = json.dumps(inputs)
    found = outputs(spec, inputs)
    assert found is None or spec.name == "flow.assign" or of_their_kinds(spec, found)
    assert json.dumps(inputs) == before
    assert json.dumps(outputs(spec, inputs)) == json.dumps(found)


def of_their_kinds(spec: CardSpec, found: dict[str, Value]) -> bool:
    """Say whether outputs are those that a card declares, each of its kind or null."""
    kinds = {each.name: each.kind for each in spec.outputs}
    assert [*found] == [*kinds]
    return all(fits(kinds[name], each) or each is None for name, each in found.items())


@pytest.mark.parametrize("spec", MOVING, ids=lambda spec: spec.name)
@odd
@given(data=st.data())
def test_what_is_moved_is_seen_as_it_is_or_not_at_all(spec: CardSpec, data: st.DataObject) -> None:
    """Computed on views, a card that moves values shows each as it is, hides it, or fails."""
    inputs = data.draw(inputs_of(spec))
    views = data.draw(st.fixed_dictionaries({name: hidden_in(x) for name, x in inputs.items()}))
    found, view = outputs(spec, inputs), outputs(spec, views)
    assert found is None or view is None or covers(found, view)


@given(OF_KIND[Kind.ANY], st.integers(0, 300))
def test_a_value_is_measured_before_it_is_walked_through(part: Value, most: int) -> None:
    """A value has a size that does not depend on its parts being one, or is refused."""
    twice: Value = [part, part]
    size = size_of(twice)
    assert size == 2 * size_of(part) + getsizeof(twice)
    with pytest.raises(TooLarge):
        size_of(twice, most=size - 1)


def test_a_small_value_that_is_endless_to_read_is_refused() -> None:
    """A list of twice the same list, fifty times over, is not walked through."""
    endless: Value = ["x"]
    for _ in range(50):
        endless = [endless, endless]
    for walking in (size_of, text_of):
        with pytest.raises(TooLarge):
            walking(endless)


def test_a_value_is_so_deep_and_no_deeper() -> None:
    """A hundred lists inside each other are a value; more are not."""
    deep: Value = []
    for _ in range(DEPTH_MAX):
        deep = [deep]
    assert size_of(deep)
    with pytest.raises(TooLarge):
        size_of([deep])


def test_what_is_too_large_is_bound_to_no_name() -> None:
    """A value that is too deep or too large ends the run, which no card catches."""
    deep: Value = []
    for _ in range(DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(CardFailure, match="more than 100 deep") as refused:
        Scope().bind("deep", seen(deep))
    assert refused.value.kind is Failure.LIMIT


@pytest.mark.parametrize("part", ["a" * (TEXT_MAX // 2 + 1), [["a" * 999] * 999] * 99])
def test_a_text_that_is_put_together_is_bounded(part: Value) -> None:
    """References in a text do not make it longer than any text may be."""
    scope = Scope()
    scope.bind("part", seen(part))
    with pytest.raises(CardFailure, match="put together") as refused:
        evaluate(parse_template("{{ part }}{{ part }}"), scope)
    assert refused.value.kind is Failure.INPUT
