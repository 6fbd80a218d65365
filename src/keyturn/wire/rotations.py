"""Rotations of Okta client secrets."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from keyturn.wire.base import FolderPath, Id, Instant, Seconds, Text, Trimmed, Whole, Wire
from keyturn.wire.connections import ConnectionRef

TYPE: Literal["okta-client-secret"] = "okta-client-secret"
CENTURY_DAYS = 36_500

Days = Annotated[Whole, Field(ge=1, le=CENTURY_DAYS)]


class RotateAtUtc(Wire):
    """A time of day in UTC."""

    hours: Annotated[Whole, Field(ge=0, le=23)]
    minutes: Annotated[Whole, Field(ge=0, le=59)]


class Parameters(Wire):
    """The app, by its app id or its client id."""

    client_id: Text


class CreateParameters(Parameters):
    """The app, and (ours) what becomes of the client secrets that it has.

    ``adoptExisting`` serves the app's one ACTIVE secret from the start; ``retireExisting`` names a
    secret (``ocs…``) that the first turn may retire.
    """

    adopt_existing: StrictBool = True
    retire_existing: Text | None = None


class SecretsMapping(Wire):
    """The names under which readers find the client id and the client secret."""

    client_id: Text
    client_secret: Text


class CreateRotation(Wire):
    """A rotation as somebody asks for it; the overlap and the soak are ours."""

    name: Text
    project_id: Text
    description: str | None = None
    connection_id: Id
    environment: Trimmed = Field(max_length=64)
    secret_path: FolderPath
    is_auto_rotation_enabled: StrictBool = True
    rotation_interval: Days
    rotate_at_utc: RotateAtUtc = RotateAtUtc(hours=0, minutes=0)
    parameters: CreateParameters
    secrets_mapping: SecretsMapping
    overlap_seconds: Seconds | None = None
    soak_seconds: Seconds | None = None


class UpdateRotation(Wire):
    """What is to change; a field that is absent stays as it is."""

    name: Text | None = None
    description: str | None = None
    is_auto_rotation_enabled: StrictBool | None = None
    rotation_interval: Days | None = None
    rotate_at_utc: RotateAtUtc | None = None
    parameters: Parameters | None = None
    secrets_mapping: SecretsMapping | None = None
    overlap_seconds: Seconds | None = None
    soak_seconds: Seconds | None = None


class EnvironmentRef(Wire):
    """The environment that a rotation serves."""

    slug: str
    name: str
    id: str


class FolderRef(Wire):
    """The folder that a rotation serves."""

    id: str
    path: str


class Rotation(Wire):
    """A stored rotation; the last four fields are ours."""

    id: str
    name: str
    description: str | None
    secrets_mapping: SecretsMapping
    is_auto_rotation_enabled: bool
    active_index: int
    folder_id: str
    connection_id: str
    created_at: Instant
    updated_at: Instant
    rotation_interval: int
    rotation_status: Literal["success", "failed"]
    last_rotation_attempted_at: Instant
    last_rotated_at: Instant
    last_rotation_job_id: str | None
    next_rotation_at: Instant | None
    is_last_rotation_manual: bool
    connection: ConnectionRef
    environment: EnvironmentRef
    project_id: str
    folder: FolderRef
    rotate_at_utc: RotateAtUtc
    last_rotation_message: str | None
    type: Literal["okta-client-secret"] = TYPE
    parameters: Parameters
    okta_app_id: str
    okta_client_id: str
    overlap_seconds: int
    soak_seconds: int


class RotationAnswer(Wire):
    """One rotation."""

    secret_rotation: Rotation


class RotationsAnswer(Wire):
    """Rotations."""

    secret_rotations: tuple[Rotation, ...]


class RotationTemplate(Wire):
    """What a form is filled with at first."""

    secrets_mapping: SecretsMapping


class RotationOption(Wire):
    """A kind of rotation that can be created."""

    name: str
    connection: str
    type: str
    template: RotationTemplate


class RotationOptionsAnswer(Wire):
    """The kinds of rotations."""

    secret_rotation_options: tuple[RotationOption, ...]


class GeneratedCredential(Wire):
    """One slot: a client secret that works at Okta, in clear."""

    client_id: str
    client_secret: str = Field(repr=False)
    secret_id: str


class GeneratedCredentialsAnswer(Wire):
    """Both slots; ``activeIndex`` is the one that readers are served."""

    generated_credentials: tuple[GeneratedCredential, ...]
    active_index: int
    rotation_id: str
    type: Literal["okta-client-secret"] = TYPE


class RetireExisting(Wire):
    """Consent to retire a client secret that Keyturn did not make, by Okta's id (ours)."""

    secret_id: Text
