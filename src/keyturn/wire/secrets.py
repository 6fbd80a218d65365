"""Named secrets as clients read and write them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from keyturn.wire.base import PATH_MAX, TEXT_MAX, Instant, Text, Trimmed, Whole, Wire

VERSION_MAX = 2**31 - 1

HIDDEN = "<hidden-by-infisical>"
"""What stands in the place of a value that was not asked for; clients know the mark."""


def _absent_if_empty(value: object) -> object:
    return None if value == "" else value


VersionNumber = Annotated[Whole, Field(ge=1, le=VERSION_MAX)]


class SecretPlace(Wire):
    """A place in any of the spellings that clients use; a field may be there and empty."""

    workspace_id: str | None = Field(default=None, max_length=TEXT_MAX)
    workspace_slug: str | None = Field(default=None, max_length=TEXT_MAX)
    project_id: str | None = Field(default=None, max_length=TEXT_MAX)
    project_slug: str | None = Field(default=None, max_length=TEXT_MAX)
    environment: Trimmed = Field(max_length=64)
    secret_path: str | None = Field(default=None, max_length=PATH_MAX)


class ReadSecrets(SecretPlace):
    """A query for secrets."""

    view_secret_value: Annotated[bool | None, BeforeValidator(_absent_if_empty)] = None


class ReadSecret(ReadSecrets):
    """A query for one secret, in its current version unless a number is given."""

    version: Annotated[VersionNumber | None, BeforeValidator(_absent_if_empty)] = None


class WriteSecret(SecretPlace):
    """What is to be written where. Personal secrets do not exist here, so none is overwritten."""

    type: Literal["shared"] | None = None
    secret_comment: str | None = None


class CreateSecret(WriteSecret):
    """A new secret."""

    secret_value: str = Field(repr=False)


class UpdateSecret(WriteSecret):
    """What is to change of a secret: one of its value, its name and its comment at least."""

    secret_value: str | None = Field(default=None, repr=False)
    new_secret_name: Text | None = None


class Secret(Wire):
    """A secret with every field that some client insists on."""

    id: str
    legacy_id: str = Field(validation_alias="_id", serialization_alias="_id")
    workspace: str
    environment: str
    version: int
    type: Literal["shared"] = "shared"
    secret_key: str
    secret_value: str = Field(repr=False)
    secret_value_hidden: bool
    secret_comment: str
    created_at: Instant
    updated_at: Instant
    secret_path: str
    skip_multiline_encoding: bool = False
    secret_metadata: tuple[()] = ()
    tags: tuple[()] = ()
    secret_reminder_note: None = None
    secret_reminder_repeat_days: None = None
    is_rotated_secret: bool
    rotation_id: str | None


class SecretAnswer(Wire):
    """One secret."""

    secret: Secret


class SecretsAnswer(Wire):
    """The secrets of a folder; it imports from no other."""

    secrets: tuple[Secret, ...]
    imports: tuple[()] = ()
