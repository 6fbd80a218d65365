"""Which dataclasses lie in columns."""

from dataclasses import dataclass

import pytest

from keyturn.adapters.storage.columns import columns_of, row_of
from keyturn.domain.project import Folder


@dataclass(frozen=True)
class Ragged:
    """Stand for a record with a field that has no column."""

    names: tuple[str, int]


def test_a_field_without_a_column_is_refused() -> None:
    """A record that could not be read back as it was gets no table."""
    for kind in (Ragged, str):
        with pytest.raises(TypeError, match=r"lie in a column|no dataclass"):
            list(columns_of(kind))


def test_a_field_that_is_not_there_is_refused() -> None:
    """Looking for an unknown field is a defect, not an empty answer."""
    with pytest.raises(KeyError, match="slug"):
        row_of(Folder, {"slug": "x"})
