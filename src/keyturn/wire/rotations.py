"""Rotations of Okta client secrets."""

from datetime import date
from typing import Literal

from pydantic import Field, StrictBool

from keyturn.wire.base import FolderPath, Id, Instant, Seconds, Text, Trimmed, Wire
from keyturn.wire.connections import ConnectionRef
from keyturn.wire.schedules import Days, RotateAtUtc, RotationSchedule, ScheduleFields

ROTATIONS = "/api/v2/secret-rotations"

RotationType = Literal[
    "okta-client-secret", "okta-api-service-secret", "okta-client-key", "okta-connection-key"
]
"""What is turned; the last is the key by which Keyturn itself logs in, and is not created here."""

DEFAULT_TYPE: RotationType = "okta-client-secret"

Algorithm = Literal["RS256", "ES256"]

VALUE_MAX = 16_384
"""As long as an entered value may be: a private key is longer than any client secret."""

OverlapPolicy = Literal["fixed", "until-next", "evidence"]


class Parameters(Wire):
    """The app, by its app id or its client id."""

    client_id: Text


class CreateParameters(Parameters):
    """The app, and (ours) what becomes of the client secrets that it has.

    ``adoptExisting`` serves the app's one ACTIVE secret from the start; ``existingValue`` is its
    value, for an org that does not show it. ``retireExisting`` names a secret (``ocs…``) that the
    first turn may retire, ``retireExistingMade`` the day (UTC) on which it was made: the owner's
    consent is good for both together only. ``keyAlgorithm`` is what new client keys sign with;
    secrets have none.
    """

    key_algorithm: Algorithm = "RS256"
    adopt_existing: StrictBool = True
    retire_existing: Text | None = None
    retire_existing_made: date | None = None
    existing_value: str | None = Field(None, min_length=1, max_length=VALUE_MAX, repr=False)


class SecretsMapping(Wire):
    """The names under which readers find the client id and the client secret or private key."""

    client_id: Text
    client_secret: Text


class PolicyFields(Wire):
    """How long turns take their time (ours); what is absent is as the installation has it.

    ``overlapPolicy`` says when the overlap is over: after ``overlapSeconds``, when the next turn
    is due, or on evidence that nobody uses the old secret any more, at ``backstopSeconds`` at the
    latest. ``readSystemLog`` asks Okta's System Log too; ``quietSeconds`` without a use of the
    old secret there count as disuse. ``repairDrift`` lets Keyturn mend what somebody else has
    done to its own secret.
    """

    overlap_policy: OverlapPolicy | None = None
    overlap_seconds: Seconds | None = None
    soak_seconds: Seconds | None = None
    backstop_seconds: Seconds | None = None
    quiet_seconds: Seconds | None = None
    read_system_log: StrictBool | None = None
    repair_drift: StrictBool | None = None


class CreateRotation(PolicyFields):
    """A rotation as somebody asks for it."""

    name: Text
    project_id: Text
    description: str | None = None
    connection_id: Id
    environment: Trimmed = Field(max_length=64)
    secret_path: FolderPath
    is_auto_rotation_enabled: StrictBool = True
    rotation_interval: Days
    rotate_at_utc: RotateAtUtc = RotateAtUtc(hours=0, minutes=0)
    schedule: ScheduleFields | None = None
    parameters: CreateParameters
    secrets_mapping: SecretsMapping


class UpdateRotation(PolicyFields):
    """What is to change; a field that is absent stays as it is."""

    name: Text | None = None
    description: str | None = None
    is_auto_rotation_enabled: StrictBool | None = None
    rotation_interval: Days | None = None
    rotate_at_utc: RotateAtUtc | None = None
    schedule: ScheduleFields | None = None
    parameters: Parameters | None = None
    secrets_mapping: SecretsMapping | None = None


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
    """A stored rotation; the fields after ``parameters`` are ours."""

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
    type: RotationType
    parameters: Parameters
    okta_app_id: str
    okta_client_id: str
    overlap_seconds: int
    soak_seconds: int
    overlap_policy: OverlapPolicy
    backstop_seconds: int
    quiet_seconds: int
    read_system_log: bool
    repair_drift: bool
    key_algorithm: Algorithm | None
    schedule: RotationSchedule


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
    """One slot: a client secret or private key that works at Okta, in clear."""

    client_id: str
    client_secret: str = Field(repr=False)
    secret_id: str


class GeneratedCredentialsAnswer(Wire):
    """Both slots; ``activeIndex`` is the one that readers are served."""

    generated_credentials: tuple[GeneratedCredential, ...]
    active_index: int
    rotation_id: str
    type: RotationType


class RetireExisting(Wire):
    """Consent to retire a client secret that Keyturn did not make (ours).

    Okta's id names it, and the day (UTC) on which it was made: where they differ nothing is done.
    """

    secret_id: Text
    made: date


class AdoptExisting(Wire):
    """Serve a client secret that Keyturn did not make, by Okta's id (ours).

    ``value`` is given where Okta does not show it.
    """

    secret_id: Text
    value: str | None = Field(None, min_length=1, max_length=VALUE_MAX, repr=False)
