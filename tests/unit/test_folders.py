"""Folders: their names, what lies in what, and where a path leads through."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain import names
from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import EnvironmentId, FolderId
from keyturn.domain.project import ROOT, Folder, ancestors, child_path

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = st.text("ab_-9", min_size=1, max_size=5)
PATHS = st.lists(NAMES, max_size=5).map(lambda parts: "/" + "/".join(parts))


def folder(path: str) -> Folder:
    """Return a folder at a path."""
    return Folder(FolderId("f"), EnvironmentId("e"), path, NOW, NOW)


@given(PATHS, NAMES)
def test_a_child_lies_below_and_names_its_parent(path: str, name: str) -> None:
    """Name and parent are the two halves of a path."""
    child = folder(child_path(path, name))
    assert (child.name, child.parent) == (name, path)
    assert child.is_below(path)
    assert child.is_below(ROOT)
    assert not folder(path).is_below(child.path)
    assert not child.is_below(child.path)


@given(PATHS)
def test_ancestors_lead_from_the_root_to_the_folder(path: str) -> None:
    """Each holds the next, and the last is the folder itself."""
    steps = ancestors(path)
    assert (steps[0], steps[-1]) == (ROOT, path)
    assert [folder(step).parent for step in steps] == [None, *steps[:-1]]
    assert all(folder(path).is_below(step) for step in steps[:-1])


@given(PATHS, st.sampled_from(["", "/", "//"]))
def test_a_path_has_one_form(path: str, end: str) -> None:
    """Slashes more or less make no other path, and its form is stable."""
    assert names.secret_path(path.replace("/", "//") + end) == path
    assert names.is_path(path)


def test_likeness_is_not_being_inside() -> None:
    """A name that begins like another is another."""
    assert not folder("/app2").is_below("/app")
    assert not folder("/App/x").is_below("/app")


@pytest.mark.parametrize("path", ["", "a", "/a//b", "/a/", "/.a", "/a b", "/é", "//"])
def test_what_no_folder_can_be_called_is_no_path(path: str) -> None:
    """A path is absolute, has no empty part, and ends with a name."""
    assert not names.is_path(path)


@pytest.mark.parametrize("path", ["/.connection-keys/c-1", "/.connection-keys"])
def test_folders_of_our_own_cannot_be_asked_for(path: str) -> None:
    """What is hidden has a path that every rule refuses."""
    assert folder(path).hidden
    with pytest.raises(InvalidInput):
        names.secret_path(path)


@given(st.text(max_size=80))
def test_a_slug_can_be_made_of_any_name(text: str) -> None:
    """What is made is a slug with room for more."""
    made = names.slugified(text)
    assert names.is_slug(f"{made}-0a1b2c")


@pytest.mark.parametrize(
    ("text", "made"),
    [("café Ünï", "cafe-uni"), ("Straße 1", "strasse-1"), ("\uff21\uff22", "ab"), ("日本", "x")],
)
def test_a_letter_with_marks_is_that_letter(text: str, made: str) -> None:
    """A label in another language than English is known again by its slug."""
    assert names.slugified(text) == made
