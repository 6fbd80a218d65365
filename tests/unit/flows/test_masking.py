"""What people see of an answer: nothing that was sent in secret, nor what opens anything."""

from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.flows.expressions import step_into
from keyturn.domain.flows.masking import TOLD_MAX, shielded, spelled, told_secrets
from keyturn.domain.flows.values import MASK, Bound, Value, parts_of

SECRET = "canary/secret+value"
INNER: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.integers() | st.text(max_size=9) | st.just(f"a {SECRET} b"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "password", SECRET, "id"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(value=INNER)
def test_no_view_has_what_was_hidden(value: Value) -> None:
    """However deep; the value is untouched, and every step into both leads to the same."""
    bound = shielded(value, spelled([SECRET]))
    assert bound.value is value
    for part in parts_of(bound.view):
        assert SECRET not in str(part) or not isinstance(part, str | dict)
    _agree(bound)


def _agree(bound: Bound) -> None:
    held = bound.value
    steps = (
        list(held) if isinstance(held, dict) else range(len(held) if isinstance(held, list) else 0)
    )
    for step in steps:
        found = step_into(bound, step)
        assert found
        _agree(found)


def test_what_hides_nothing_is_the_same_object() -> None:
    """So that nobody copies what everybody may see."""
    value: Value = {"a": [1, {"b": "plain"}], "password": None}
    assert shielded(value, spelled([SECRET])).view is value


def test_secrets_are_known_in_every_spelling() -> None:
    """As they are, in a query, in JSON, and word by word."""
    inputs = Bound(
        {"h": {"authorization": f"Basic {SECRET}"}, "plain": "nothing secret"},
        {"h": {"authorization": MASK}, "plain": "nothing secret"},
    )
    secrets = told_secrets(inputs)
    assert {SECRET, f"Basic {SECRET}", "canary%2Fsecret%2Bvalue"} <= secrets
    assert not any("nothing" in each for each in secrets)
    for text in (f"x{SECRET}y", "k=canary%2Fsecret%2Bvalue&b"):
        assert shielded([text], secrets).view == [MASK]
    assert told_secrets(Bound("x", "x")) == frozenset()


def test_a_hidden_object_hides_all_its_texts() -> None:
    """What lies in something that is hidden is hidden."""
    inputs = Bound({"o": {"a": ["first-secret", 7, {"b": "second-secret"}]}}, {"o": MASK})
    assert {"first-secret", "second-secret"} <= told_secrets(inputs)


def test_short_words_hide_nothing() -> None:
    """Nor do more than so many: the longest count."""
    assert spelled(["yes", "1234567"]) == frozenset()
    many = [f"{number:08}" for number in range(TOLD_MAX + 5)]
    assert len(spelled([*many, "the-longest-of-all"])) == TOLD_MAX
    assert "the-longest-of-all" in spelled([*many, "the-longest-of-all"])
