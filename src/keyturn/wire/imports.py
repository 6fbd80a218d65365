"""Imports of folders as clients make and list them."""

from typing import Literal

from pydantic import Field

from keyturn.wire.base import PATH_MAX, Instant, Trimmed, Wire
from keyturn.wire.folders import FolderEnvironment, FolderPlace


class ImportSource(Wire):
    """The folder that is imported."""

    environment: Trimmed = Field(max_length=64)
    path: str = Field(max_length=PATH_MAX)


class ImportChange(Wire):
    """What is to change of an import."""

    environment: Trimmed | None = Field(default=None, max_length=64)
    path: str | None = Field(default=None, max_length=PATH_MAX)
    position: int | None = Field(default=None, ge=1, le=10_000)


class CreateImport(FolderPlace):
    """A new import; copies that live on their own (replication) are not made."""

    source: ImportSource = Field(alias="import")
    is_replication: Literal[False] | None = None


class UpdateImport(FolderPlace):
    """A change of an import."""

    change: ImportChange = Field(alias="import")


class ImportEnvironment(Wire):
    """The environment that is imported from."""

    id: str
    name: str
    slug: str


class SecretImport(Wire):
    """An import with every field that some client insists on."""

    id: str
    version: int = 1
    import_path: str
    import_env: ImportEnvironment
    position: int
    folder_id: str
    created_at: Instant
    updated_at: Instant
    is_replication: bool = False
    is_replication_success: None = None
    replication_status: None = None
    last_replicated: None = None
    is_reserved: bool = False
    project_id: str
    secret_path: str
    environment: FolderEnvironment


class ImportAnswer(Wire):
    """One import."""

    message: str
    secret_import: SecretImport


class ImportsAnswer(Wire):
    """What a folder imports; the last prevails."""

    message: str
    secret_imports: tuple[SecretImport, ...]
