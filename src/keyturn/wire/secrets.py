"""Named secrets as clients read and write them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from keyturn.wire.base import (
    PATH_MAX,
    TEXT_MAX,
    Flag,
    Instant,
    Text,
    Trimmed,
    Whole,
    Wire,
    absent_if_empty,
)

VERSION_MAX = 2**31 - 1
BATCH_MAX = 1000
METADATA_MAX = 100
TAGS_MAX = 100

HIDDEN = "<hidden-by-infisical>"
"""What stands in the place of a value that was not asked for; clients know the mark."""

VersionNumber = Annotated[
    Annotated[Whole, Field(ge=1, le=VERSION_MAX)] | None, BeforeValidator(absent_if_empty)
]
"""A version's number; a field that is there and empty asks for the current one."""


class ProjectName(Wire):
    """A project in any of the spellings that clients use; a field may be there and empty."""

    workspace_id: str | None = Field(default=None, max_length=TEXT_MAX)
    workspace_slug: str | None = Field(default=None, max_length=TEXT_MAX)
    project_id: str | None = Field(default=None, max_length=TEXT_MAX)
    project_slug: str | None = Field(default=None, max_length=TEXT_MAX)

    @property
    def project(self) -> str | None:
        """Return the first of the spellings that is not empty."""
        spelled = (self.project_id, self.workspace_id, self.project_slug, self.workspace_slug)
        return next(filter(None, spelled), None)


class EnvironmentName(ProjectName):
    """An environment of a project."""

    environment: Trimmed = Field(max_length=64)


class SecretPlace(EnvironmentName):
    """A place in any of the spellings that clients use."""

    secret_path: str | None = Field(default=None, max_length=PATH_MAX)


class ReadOptions(Wire):
    """How secrets are wanted; what is absent or empty is as the route has it."""

    view_secret_value: Flag = None
    expand_secret_references: Flag = None
    include_imports: Flag = None
    include_imports_too: Flag = Field(default=None, alias="include_imports")

    @property
    def imports(self) -> bool | None:
        """Return whether imports are wanted, in whichever spelling it was told."""
        camel = self.include_imports
        return self.include_imports_too if camel is None else camel


class ReadSecrets(SecretPlace, ReadOptions):
    """A query for secrets."""

    recursive: Flag = None
    tag_slugs: str | None = Field(default=None, max_length=PATH_MAX)


class ReadSecret(SecretPlace, ReadOptions):
    """A query for one secret, in its current version unless a number is given."""

    version: VersionNumber = None


class ReadSecretById(ReadOptions):
    """A query for one secret whose id is in the path."""

    version: VersionNumber = None


class Metadata(Wire):
    """A key with its value, beside a secret; it is no secret."""

    key: Text
    value: str = Field(default="", max_length=PATH_MAX)


class NewMetadata(Metadata):
    """A key with its value as somebody writes it; some clients can ask for it to be encrypted."""

    is_encrypted: bool | None = None


class WriteOptions(Wire):
    """What is to be written of a secret besides its value."""

    secret_comment: str | None = None
    skip_multiline_encoding: bool | None = None
    tag_ids: tuple[Text, ...] | None = Field(default=None, max_length=TAGS_MAX)
    secret_metadata: tuple[NewMetadata, ...] | None = Field(default=None, max_length=METADATA_MAX)
    type: Literal["shared", "personal"] | None = None


class WriteSecret(SecretPlace, WriteOptions):
    """What is to be written where."""


class CreateSecret(WriteSecret):
    """A new secret."""

    secret_value: str = Field(repr=False)


class UpdateOptions(WriteOptions):
    """What is to change of a secret, one thing at least."""

    secret_value: str | None = Field(default=None, repr=False)
    new_secret_name: Text | None = None


class UpdateSecret(SecretPlace, UpdateOptions):
    """What is to change of a secret, and where it is."""


class DeleteSecret(SecretPlace):
    """Where the secret is that is to be deleted."""

    type: Literal["shared", "personal"] | None = None


class NewSecret(WriteOptions):
    """One of several new secrets."""

    secret_key: Text
    secret_value: str = Field(repr=False)


class ChangedSecret(UpdateOptions):
    """One of several secrets that are to change; its path comes before that of the request."""

    secret_key: Text
    secret_path: str | None = Field(default=None, max_length=PATH_MAX)


class DeletedSecret(Wire):
    """One of several secrets that are to be deleted."""

    secret_key: Text
    type: Literal["shared", "personal"] | None = None


class CreateSecrets(SecretPlace):
    """Several new secrets of one folder."""

    secrets: tuple[NewSecret, ...] = Field(min_length=1, max_length=BATCH_MAX)


class UpdateSecrets(SecretPlace):
    """Several secrets that are to change, and what to do with one that is not there."""

    secrets: tuple[ChangedSecret, ...] = Field(min_length=1, max_length=BATCH_MAX)
    mode: Literal["failOnNotFound", "ignore", "upsert"] = "failOnNotFound"


class DeleteSecrets(SecretPlace):
    """Several secrets of one folder that are to be deleted."""

    secrets: tuple[DeletedSecret, ...] = Field(min_length=1, max_length=BATCH_MAX)


class Tag(Wire):
    """A tag as a secret shows it."""

    id: str
    slug: str
    name: str
    color: str | None


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
    secret_metadata: tuple[Metadata, ...] = ()
    tags: tuple[Tag, ...] = ()
    secret_reminder_note: None = None
    secret_reminder_repeat_days: None = None
    is_rotated_secret: bool
    rotation_id: str | None


class SecretAnswer(Wire):
    """One secret."""

    secret: Secret


class ImportedSecrets(Wire):
    """What one import brings; the later of two prevails, and the folder itself over all."""

    secret_path: str
    environment: str
    folder_id: str
    secrets: tuple[Secret, ...]


class SecretsAnswer(Wire):
    """The secrets of a folder, and what it imports."""

    secrets: tuple[Secret, ...]
    imports: tuple[ImportedSecrets, ...] = ()


class BatchAnswer(Wire):
    """Several secrets that were written."""

    secrets: tuple[Secret, ...]


class SecretVersion(Wire):
    """One version of a secret; the value is hidden where it works no more."""

    id: str
    legacy_id: str = Field(validation_alias="_id", serialization_alias="_id")
    secret_id: str
    folder_id: str
    workspace: str
    environment: str
    version: int
    type: Literal["shared"] = "shared"
    state: str
    secret_key: str
    secret_value: str = Field(repr=False)
    secret_value_hidden: bool
    secret_comment: str
    skip_multiline_encoding: bool
    created_at: Instant
    updated_at: Instant
    is_rotated_secret: bool
    rotation_id: str | None


class VersionsAnswer(Wire):
    """The versions of a secret, the latest first."""

    secret_versions: tuple[SecretVersion, ...]
