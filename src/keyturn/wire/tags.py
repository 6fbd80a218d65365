"""Tags as clients make and list them."""

from pydantic import Field

from keyturn.wire.base import TEXT_MAX, Instant, Text, Wire


class CreateTag(Wire):
    """A new tag; without a name its slug is what people read."""

    slug: Text
    name: Text | None = None
    color: str | None = Field(default=None, max_length=TEXT_MAX)


class UpdateTag(Wire):
    """What is to change of a tag."""

    slug: Text | None = None
    name: Text | None = None
    color: str | None = Field(default=None, max_length=TEXT_MAX)


class Tag(Wire):
    """A tag of a project."""

    id: str
    slug: str
    name: str
    color: str
    project_id: str
    created_at: Instant
    updated_at: Instant


class TagAnswer(Wire):
    """One tag."""

    tag: Tag


class TagsAnswer(Wire):
    """The tags of a project."""

    tags: tuple[Tag, ...]
