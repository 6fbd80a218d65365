"""References: what is one, and what a text becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.references import TEXT_MAX, Source, expanded, refers, sources

AT = Source("dev", "/app", "KEY")


def near(name: str) -> Source:
    """Return a secret of the same folder."""
    return Source("dev", "/app", name)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("${NAME}", near("NAME")),
        ("a${NAME}b", near("NAME")),
        ("$${NAME}", near("NAME")),
        ("${dev.NAME}", Source("dev", "/", "NAME")),
        ("${prod.db.main.NAME}", Source("prod", "/db/main", "NAME")),
        ("${my-env.a_b.c-d.NAME}", Source("my-env", "/a_b/c-d", "NAME")),
        ("${a${NAME}}", near("NAME")),
    ],
)
def test_a_reference_names_its_source(text: str, source: Source) -> None:
    """A bare name is of the same folder; a path begins with its environment."""
    assert sources(text, AT) == {source}
    assert refers(text)
    assert expanded(text, AT, {source: "value"}) == text.replace(_written(text), "value")


def _written(text: str) -> str:
    start = text.rindex("${")
    return text[start : text.index("}", start) + 1]


@pytest.mark.parametrize(
    "text",
    ["", "$NAME", "${}", "${a b}", "${A:-b}", "${/etc}", "${UP.x.NAME}", "${dev..NAME}", "${dev.}"],
)
def test_what_is_no_reference_stays(text: str) -> None:
    """Shell defaults, odd names and half a reference are text like any other."""
    assert not refers(text)
    assert expanded(text, AT, {near("NAME"): "value"}) == text


def test_what_leads_nowhere_stays_as_it_is_written() -> None:
    """A missing secret is no error, and no empty text."""
    assert expanded("a${NONE}b${dev.x.NONE}", AT, {}) == "a${NONE}b${dev.x.NONE}"


def test_references_of_what_is_referred_to_are_relative_to_it() -> None:
    """A bare name means the folder of the secret that says it."""
    known = {
        Source("prod", "/db", "URL"): "db://${USER}@host",
        Source("prod", "/db", "USER"): "theirs",
        near("USER"): "ours",
    }
    assert expanded("${prod.db.URL} ${USER}", AT, known) == "db://theirs@host ours"


def test_a_circle_is_cut_where_it_closes() -> None:
    """Whoever refers to itself, directly or by others, is left as it is written there."""
    known = {AT: "x${A}", near("A"): "a${B}", near("B"): "b${A}${KEY}"}
    assert expanded("${A}", AT, known) == "ab${A}${KEY}"
    assert expanded("${KEY}", AT, known) == "${KEY}"


def test_depth_is_limited() -> None:
    """A chain is followed ten steps and no further."""
    known = {near(f"K{i}"): f"{i} ${{K{i + 1}}}" for i in range(20)}
    told = expanded("${K0}", AT, known)
    assert told == "0 1 2 3 4 5 6 7 8 9 ${K10}"


def test_a_text_cannot_grow_without_measure() -> None:
    """What doubles ten times over stops growing at its limit."""
    known = {near(f"K{i}"): f"${{K{i + 1}}}" * 40 for i in range(9)}
    known[near("K9")] = "x" * 1000
    assert len(expanded("${K0}", AT, known)) < 2 * TEXT_MAX


@given(st.text(), st.dictionaries(st.sampled_from("ABCDE"), st.text("${}.ABCDEdev", max_size=30)))
def test_expansion_ends_and_needs_no_more_than_it_names(text: str, values: dict[str, str]) -> None:
    """Any texts have an expansion, and those that nothing refers to play no part in it."""
    known = {near(name): value for name, value in values.items()}
    told = expanded(text, AT, known)
    reached = set(sources(text, AT))
    for _ in range(len(known)):
        reached |= {s for each in reached & known.keys() for s in sources(known[each], each)}
    assert told == expanded(text, AT, {s: t for s, t in known.items() if s in reached})
    assert told == text or refers(text)
