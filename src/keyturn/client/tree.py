"""Secrets with their folders, as they are somewhere else and are to be here.

Says what there is to bring, and why some of it is not; knows no server and no file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Label:
    """A tag: its slug, and how people read it."""

    slug: str
    name: str = ""
    color: str = ""


@dataclass(frozen=True)
class Item:
    """A secret; what is None is not known, and stays as it is where the secret is already."""

    name: str
    value: str = field(repr=False)
    comment: str | None = None
    labels: tuple[Label, ...] | None = None
    metadata: tuple[tuple[str, str], ...] | None = None
    skip_multiline_encoding: bool | None = None


@dataclass(frozen=True)
class Spot:
    """A folder of an environment."""

    environment: str
    path: str = "/"

    def __str__(self) -> str:
        return f"{self.environment}{self.path}"

    def child(self, name: str) -> "Spot":
        """Return a folder in this one."""
        return Spot(self.environment, f"{self.path.rstrip('/')}/{name}")


@dataclass(frozen=True)
class Branch:
    """What one folder holds: secrets, the folders it imports in their order.

    ``left_out`` are names that cannot be brought, each with the reason.
    """

    spot: Spot
    items: tuple[Item, ...] = ()
    imports: tuple[Spot, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree:
    """Environments, by slug with their names, and all folders in them, parents first."""

    environments: Mapping[str, str]
    branches: Sequence[Branch]
