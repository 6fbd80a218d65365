"""What people see of an answer: nothing that was sent in secret, nor what opens anything."""

from base64 import b64encode, urlsafe_b64encode

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


def test_short_secrets_are_seen_where_they_stand_alone() -> None:
    """As a whole text, number or word; inside of another word it would be anything."""
    secrets = spelled(["1234", "pa$s"])
    for value in ("1234", 1234, "pin: 1234.", "k=pa$s", "pa%24s"):
        assert shielded([value], secrets).view == [MASK]
    for other in ("12345", 12345, "x1234", "12", True, None):
        assert shielded([other], secrets).view == [other]


def test_numbers_are_hidden_too() -> None:
    """Whichever side has it as a text."""
    assert told_secrets(Bound({"n": 12345678}, {"n": MASK})) >= {"12345678"}
    assert shielded({"a": 12345678, "b": 1.5}, spelled(["12345678"])).view == {"a": MASK, "b": 1.5}


@given(secret=st.text(min_size=8, max_size=30), around=st.tuples(st.text(), st.text()))
def test_base64_hides_nothing_from_us(secret: str, around: tuple[str, str]) -> None:
    """Wherever a secret stands in what is written so."""
    raw = f"{around[0]}{secret}{around[1]}".encode(errors="replace")
    for told in (b64encode(raw), urlsafe_b64encode(raw)):
        assert shielded(told.decode(), spelled([secret])).view == MASK


def test_very_short_words_hide_nothing() -> None:
    """Nor do more than so many: the longest count."""
    assert spelled(["yes", "123"]) == frozenset()
    many = spelled([*(f"{number:08}" for number in range(TOLD_MAX + 5)), "the-longest-of-all"])
    assert sum(f"{number:08}" in many for number in range(TOLD_MAX + 5)) == TOLD_MAX - 1
    assert "the-longest-of-all" in many
