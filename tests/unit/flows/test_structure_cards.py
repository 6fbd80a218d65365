"""Cards about objects and lists: ways into them, what is missing, and what is too much."""

import pytest
from card_kit import computed, refusal

from keyturn.domain.flows.cards.computing import ITEMS_MAX
from keyturn.domain.flows.values import MASK, Value

USER: Value = {"id": "00u1", "profile": {"emails": ["a@b.c"], "a.b": 1, "0": "zero", "city": None}}
MANY: Value = [None] * (ITEMS_MAX // 2 + 1)


def endless() -> Value:
    """Return a list that is small, and has no end to whoever walks through it."""
    value: Value = ["x"]
    for _ in range(60):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("profile.emails.0", "a@b.c", True),
        (["profile", "emails", 0], "a@b.c", True),
        (["profile", "a.b"], 1, True),
        ("profile.a.b", "?", False),
        ("profile.0", "zero", True),
        (["profile", 0], "zero", True),
        ("profile.city", None, True),
        ("profile.emails.1", "?", False),
        ("profile.emails.first", "?", False),
        ("profile.emails.\u0660", "?", False),
        ("id.0", "?", False),
    ],
)
def test_a_path_leads_to_what_is_there(path: Value, value: Value, found: bool) -> None:  # noqa: FBT001
    """A place is one in a list and a name in an object; null is something."""
    got = computed("object.get", object=USER, path=path, default="?")
    assert got == {"value": value, "found": found}


@pytest.mark.parametrize(
    "path", ["", [], [True], [-1], [0.5], [[]], 7, None, "a." * 50, ["a"] * 51]
)
def test_what_is_no_path_leads_nowhere(path: Value) -> None:
    """A path is a text, or a list of names and places, and not endless; `` is the name ``."""
    if path == "":
        assert computed("object.get", object={"": 1}, path=path)["value"] == 1
    else:
        assert refusal("object.get", object=USER, path=path).startswith("invalid_input: path: ")


@pytest.mark.parametrize(
    ("card", "given"),
    [
        ("object.get", {"object": USER, "path": "name"}),
        ("object.get_multiple", {"object": USER, "paths": {"a": "id", "b": "name"}}),
        ("list.at", {"list": [1], "index": 1}),
        ("list.at", {"list": [1], "index": -2}),
        ("list.first", {"list": []}),
        ("list.pluck", {"list": [{"id": 1}, {}], "path": "id"}),
    ],
)
def test_what_is_missing_fails_where_it_is_asked_to(card: str, given: dict[str, Value]) -> None:
    """Where there is nothing the default is given, or the card fails."""
    assert computed(card, **given)
    assert refusal(card, **given, if_missing="fail").startswith("not_found: There is nothing at")


@pytest.mark.parametrize(
    ("card", "given", "comes_to"),
    [
        ("set", {"object": {}, "path": "a.b", "value": 1}, {"a": {"b": 1}}),
        ("set", {"object": {"a": [1]}, "path": "a.1", "value": 2}, {"a": [1, 2]}),
        ("set", {"object": {"a": [{"b": 1}]}, "path": "a.0.b", "value": 2}, {"a": [{"b": 2}]}),
        ("set", {"object": {"a": None}, "path": "a.b", "value": 1}, {"a": {"b": 1}}),
        ("delete", {"object": {"a": [1, 2]}, "path": "a.0"}, {"a": [2]}),
        ("delete", {"object": {"a": 1}, "path": "a.b.c"}, {"a": 1}),
        ("merge", {"objects": []}, {}),
        ("merge", {"objects": [{"a": {"x": 1}}, {"a": {"y": 2}}]}, {"a": {"y": 2}}),
        ("merge", {"objects": [{"a": 1}, {"a": {"y": 2}}], "deep": True}, {"a": {"y": 2}}),
        ("merge", {"objects": [{"a": {"y": 2}}, {"a": [1]}], "deep": True}, {"a": [1]}),
        ("from_list", {"list": [{"key": "a", "value": 1}, {"key": "a", "value": 2}]}, {"a": 2}),
    ],
)
def test_objects_are_made(card: str, given: dict[str, Value], comes_to: Value) -> None:
    """Objects on the way are made, and of two values the later one counts."""
    assert computed(f"object.{card}", **given) == {"object": comes_to}


@pytest.mark.parametrize(
    ("card", "given", "told"),
    [
        ("object.set", {"object": {"a": [1]}, "path": "a.2", "value": 1}, "path: leads past the"),
        ("object.set", {"object": {"a": [1]}, "path": "a.b", "value": 1}, "path: leads past the"),
        ("object.set", {"object": {"a": 1}, "path": "a.b", "value": 1}, "path: leads into what is"),
        ("object.get", {"object": "a", "path": "b"}, "object: must be an object or a list"),
        ("object.merge", {"objects": [1]}, "objects: must be of the kind object"),
        ("object.merge", {"objects": [{"a": endless()}], "deep": True}, "objects: a value takes"),
        ("object.from_list", {"list": [{"key": "a"}]}, "list: must consist of objects of key"),
        ("object.from_list", {"list": [{"key": 1, "value": 1}]}, "key: must be of the kind text"),
        ("object.pick", {"object": {}, "names": [1]}, "names: must be a list of texts"),
        ("list.insert", {"list": [1], "index": 2, "item": 1}, "index: must be a place that the"),
        ("list.remove", {"list": [], "index": 0}, "index: must be a place that the list has"),
        ("list.range", {"end": ITEMS_MAX + 1}, "a list would have more than"),
        ("list.range", {"start": -(10**18), "end": 10**18}, "a list would have more than"),
        ("list.range", {"end": 3, "step": 0}, "step: must not be zero"),
        ("list.concatenate", {"lists": [MANY, MANY]}, "a list would have more than"),
        ("list.flatten", {"list": [MANY, MANY]}, "a list would have more than"),
        ("list.join", {"list": [endless()]}, "a value takes more than"),
        ("list.flatten", {"list": endless(), "depth": 10}, "list: a value takes more than"),
        ("object.merge", {"objects": [{"a": endless()}]}, "objects: a value takes more than"),
        ("csv.stringify", {"list": [{"a": endless()}]}, "list: a value takes more than"),
        ("boolean.check", {"when": {"all": endless()}}, "when: a value takes more than"),
        ("branch.assign_if", {"when": {"all": endless()}}, "when: a value takes more than"),
        ("list.sort", {"list": endless()}, "list: a value takes more than"),
        ("list.includes", {"list": [], "item": endless()}, "item: a value takes more than"),
        ("list.sort", {"list": [1, "a"]}, "list: must have numbers only or texts only"),
        ("list.sort", {"list": [True, False]}, "list: must have numbers only or texts only"),
        ("list.sum", {"list": [1, None]}, "list: must be of the kind number"),
        ("list.sum", {"list": [10**18, 10**18]}, "the number that it makes would have more"),
        ("json.stringify", {"value": endless()}, "value: a value takes more than"),
    ],
)
def test_too_much_and_nonsense_are_refused(card: str, given: dict[str, Value], told: str) -> None:
    """What a card cannot take, or would never be done with, is refused at once."""
    assert refusal(card, **given).startswith(f"invalid_input: {told}")


@pytest.mark.parametrize(
    ("card", "given", "comes_to"),
    [
        ("list.slice", {"list": [1, 2, 3], "start": -2, "length": 1}, [2]),
        ("list.insert", {"list": [1], "index": 1, "item": None}, [1, None]),
        ("list.insert", {"list": [1, 2], "index": -1, "item": 0}, [1, 0, 2]),
        ("list.range", {"start": 3, "end": 0, "step": -1}, [3, 2, 1]),
        ("list.range", {"start": 3, "end": 0}, []),
        ("list.flatten", {"list": [1, [2, [3, [4]]]], "depth": 2}, [1, 2, 3, [4]]),
        ("list.chunk", {"list": [], "size": 2}, []),
        ("list.pluck", {"list": [{"a": 1}, {}, {"a": None}], "path": "a"}, [1, None, None]),
        (
            "list.pluck",
            {"list": [{"a": 1}, {}, {"a": None}], "path": "a", "skip_missing": True},
            [1, None],
        ),
        ("list.remove_duplicates", {"list": [1, 1.0, True, "1", [1], [1]]}, [1, True, "1", [1]]),
        (
            "list.remove_duplicates",
            {"list": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]},
            [{"a": 1, "b": 2}],
        ),
        ("list.sort", {"list": [2, None, 1.5], "order": "descending"}, [2, 1.5, None]),
        ("list.sort", {"list": ["b", "a", "B"]}, ["B", "a", "b"]),
        (
            "list.sort",
            {
                "list": [{"k": 1, "n": 1}, {"n": 2}, {"k": 1, "n": 3}],
                "by": "k",
                "order": "descending",
            },
            [{"k": 1, "n": 1}, {"k": 1, "n": 3}, {"n": 2}],
        ),
        ("list.difference", {"list": [1, 2, 2], "other": [True, "2", 1]}, [2, 2]),
        ("list.intersection", {"list": [[1], 2], "other": [[1]]}, [[1]]),
    ],
)
def test_lists_are_made(card: str, given: dict[str, Value], comes_to: Value) -> None:
    """A truth is no number, an object is one whatever its order, and what is equal stays put."""
    assert computed(card, **given)["list"] == comes_to


def test_figures_of_nothing_are_null() -> None:
    """An empty list has no sum, no average and no end."""
    for card in ("sum", "average", "minimum", "maximum"):
        assert computed(f"list.{card}", list=[]) == {"number": None}


@pytest.mark.parametrize(
    ("card", "views"),
    [
        ("object.get", {"object": {"a": MASK}, "path": "a.b"}),
        ("object.get", {"object": {"a": {"b": 1}}, "path": MASK}),
        ("object.merge", {"objects": [{"a": {"b": 1}}, {"a": MASK}], "deep": True}),
        ("object.set", {"object": {"a": MASK}, "path": "a.b", "value": 1}),
        ("object.expand", {"object": {"a": 1}, "names": [MASK]}),
        ("list.flatten", {"list": [MASK]}),
        ("list.at", {"list": MASK, "index": 0}),
        ("branch.assign_if", {"when": {"left": MASK, "is": "empty"}, "then": 1, "else": 2}),
        ("branch.lookup", {"table": {"a": 1}, "key": MASK}),
    ],
)
def test_what_is_hidden_decides_nothing(card: str, views: dict[str, Value]) -> None:
    """Nothing is shown that depends on what is hidden: such a view is refused."""
    assert refusal(card, **views).startswith("invalid_input: ")


def test_what_moves_beside_what_is_hidden_is_seen() -> None:
    """What is hidden stays hidden where it is moved, and hides nothing else."""
    view = computed("object.merge", objects=[{"a": MASK}, {"b": 1}])
    assert view == {"object": {"a": MASK, "b": 1}}
    assert computed("list.push", list=[MASK], item=1) == {"list": [MASK, 1]}
