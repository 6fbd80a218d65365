"""What domain objects look like on the wire; the one place where the two vocabularies meet."""

from collections.abc import Iterable

from keyturn.api import scheduling
from keyturn.domain.connection import OktaConnection
from keyturn.services.generated_credentials import GeneratedCredentials
from keyturn.services.rotations import RotationView
from keyturn.services.secrets import ReadSecret
from keyturn.wire import connections, rotations, schedules, secrets

MESSAGE_MAX = 1024


def connection(stored: OktaConnection) -> connections.Connection:
    """Render a connection without its credentials."""
    return connections.Connection(
        id=stored.id,
        name=stored.name,
        description=stored.description,
        version=stored.version,
        org_id=stored.organization_id,
        project_id=stored.project_id,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        method=stored.method.value,
        credentials=connections.ShownCredentials(instance_url=stored.instance_url),
    )


def connection_ref(stored: OktaConnection) -> connections.ConnectionRef:
    """Render a connection as others refer to it."""
    return connections.ConnectionRef(name=stored.name, id=stored.id)


def rotation(view: RotationView) -> rotations.Rotation:
    """Render a rotation."""
    stored, place = view.rotation, view.place
    environment = place.environment
    schedule = stored.schedule
    return rotations.Rotation(
        id=stored.id,
        name=stored.name,
        description=stored.description,
        secrets_mapping=rotations.SecretsMapping(
            client_id=stored.mapping.client_id, client_secret=stored.mapping.client_secret
        ),
        is_auto_rotation_enabled=schedule.automatic,
        active_index=stored.active_index,
        folder_id=stored.folder_id,
        connection_id=stored.connection_id,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        rotation_interval=schedule.interval_days,
        rotation_status="failed" if stored.failed else "success",
        last_rotation_attempted_at=stored.last_attempted_at,
        last_rotated_at=stored.last_rotated_at,
        last_rotation_job_id=stored.last_turn_id,
        next_rotation_at=stored.next_rotation_at,
        is_last_rotation_manual=stored.last_manual,
        connection=connection_ref(view.connection),
        environment=rotations.EnvironmentRef(
            slug=environment.slug, name=environment.name, id=environment.id
        ),
        project_id=place.project.id,
        folder=rotations.FolderRef(id=place.folder.id, path=place.folder.path),
        rotate_at_utc=schedules.RotateAtUtc(
            hours=schedule.rotate_at.hour, minutes=schedule.rotate_at.minute
        ),
        last_rotation_message=stored.last_message and stored.last_message[:MESSAGE_MAX],
        parameters=rotations.Parameters(client_id=stored.parameter),
        okta_app_id=stored.app_id,
        okta_client_id=stored.client_id,
        overlap_seconds=stored.policy.overlap_s,
        soak_seconds=stored.policy.soak_s,
        overlap_policy=stored.policy.overlap.value,
        backstop_seconds=stored.policy.backstop_s,
        quiet_seconds=stored.policy.quiet_s,
        read_system_log=stored.policy.log,
        repair_drift=stored.policy.repair,
        type=stored.kind.value,
        key_algorithm=stored.algorithm.value if stored.kind.rules.are_keys else None,
        schedule=scheduling.shown(stored, view.outlook),
    )


def rotation_answer(view: RotationView) -> rotations.RotationAnswer:
    """Render one rotation as an answer."""
    return rotations.RotationAnswer(secret_rotation=rotation(view))


def rotations_answer(views: Iterable[RotationView]) -> rotations.RotationsAnswer:
    """Render rotations as an answer."""
    return rotations.RotationsAnswer(secret_rotations=tuple(map(rotation, views)))


def generated(found: GeneratedCredentials) -> rotations.GeneratedCredentialsAnswer:
    """Render both slots of a rotation, in clear."""
    return rotations.GeneratedCredentialsAnswer(
        generated_credentials=tuple(
            rotations.GeneratedCredential(
                client_id=one.client_id,
                client_secret=one.client_secret.reveal(),
                secret_id=one.secret_id,
            )
            for one in found.credentials
        ),
        active_index=found.active_index,
        rotation_id=found.rotation.id,
        type=found.rotation.kind.value,
    )


def secret(read: ReadSecret, *, shown: bool) -> secrets.Secret:
    """Render a secret; its value only where it is to be shown."""
    stored, version, place = read.secret, read.version, read.place
    return secrets.Secret(
        id=stored.id,
        legacy_id=stored.id,
        workspace=place.project.id,
        environment=place.environment.slug,
        version=version.number,
        secret_key=stored.name,
        secret_value=read.value.reveal() if shown else secrets.HIDDEN,
        secret_value_hidden=not shown,
        secret_comment=stored.comment,
        created_at=stored.created_at,
        updated_at=max(stored.updated_at, version.created_at),
        secret_path=place.folder.path,
        skip_multiline_encoding=stored.skip_multiline_encoding,
        secret_metadata=tuple(
            secrets.Metadata(key=key, value=value) for key, value in stored.metadata_pairs
        ),
        tags=tuple(
            secrets.Tag(id=tag.id, slug=tag.slug, name=tag.name, color=tag.color)
            for tag in read.tags
        ),
        is_rotated_secret=stored.rotation_id is not None,
        rotation_id=stored.rotation_id,
    )
