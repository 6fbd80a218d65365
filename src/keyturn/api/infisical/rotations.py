"""Rotations of credentials at Okta: the same routes for each type."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical import render
from keyturn.api.lenient import LenientRoute
from keyturn.api.scheduling import asked
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import CredentialKind, KeyAlgorithm
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Overlap
from keyturn.services import ending, generated_credentials, onboarding, rotations, turns
from keyturn.services.onboarding import RotationDraft
from keyturn.services.policies import PolicyChange
from keyturn.services.projects import Where
from keyturn.services.rotations import RotationChange
from keyturn.services.schedules import (
    DEFAULT,
    ScheduleChange,
    changed_schedule,
    with_calendar_read,
)
from keyturn.wire import rotations as wire
from keyturn.wire.base import FolderPath, Id, Text

router = APIRouter(prefix=wire.ROTATIONS, tags=["Rotations"], route_class=LenientRoute)
of_type = APIRouter(tags=["Rotations"], route_class=LenientRoute)
"""Included once for each type of rotation; an id names its rotation under its own type alone."""

of_readers = APIRouter(tags=["Rotations"], route_class=LenientRoute)
"""The same, refused for the key of a connection, which nobody reads: not offered there."""

NAMES = {
    CredentialKind.CLIENT_SECRET: ("Okta Client Secret", "OKTA_CLIENT_SECRET"),
    CredentialKind.API_SERVICE_SECRET: ("Okta API Service Secret", "OKTA_CLIENT_SECRET"),
    CredentialKind.CLIENT_KEY: ("Okta Client Key", "OKTA_PRIVATE_JWK"),
}
"""What people call each type that can be created, and the name under which readers find it."""

OPTIONS = tuple(
    wire.RotationOption(
        name=name,
        connection="okta",
        type=kind.value,
        template=wire.RotationTemplate(
            secrets_mapping=wire.SecretsMapping(client_id="OKTA_CLIENT_ID", client_secret=secret)
        ),
    )
    for kind, (name, secret) in NAMES.items()
)


async def kind_of(request: Request) -> CredentialKind:
    """Return the type of rotation that the request's path names."""
    return CredentialKind(request.url.path.removeprefix(wire.ROTATIONS).split("/")[1])


TheKind = Annotated[CredentialKind, Depends(kind_of)]


async def of_the_kind(request: Request, world: TheWorld, caller: TheCaller, kind: TheKind) -> None:
    """Let a request pass whose path names a rotation of the type that it names, or no rotation.

    Raises NotFound.
    """
    rotation_id = request.path_params.get("rotation_id")
    if rotation_id:
        await rotations.refuse_other_kind(world, caller, rotation_id, kind)


Switch = Literal["true", "false"]
ProjectId = Annotated[Text, Query(alias="projectId")]


@router.get("/options")
async def list_rotation_options(caller: TheCaller) -> wire.RotationOptionsAnswer:
    """List the kinds of rotations that can be created."""
    return wire.RotationOptionsAnswer(secret_rotation_options=OPTIONS)


@router.get("")
async def list_rotations(
    world: TheWorld, caller: TheCaller, project_id: ProjectId
) -> wire.RotationsAnswer:
    """List the rotations of a project."""
    views = await rotations.list_rotations(world, caller, project=project_id)
    return render.rotations_answer(views)


@of_type.get("")
async def list_rotations_of_type(
    world: TheWorld, caller: TheCaller, kind: TheKind, project_id: ProjectId
) -> wire.RotationsAnswer:
    """List the rotations of this type of a project."""
    views = await rotations.list_rotations(world, caller, project=project_id)
    return render.rotations_answer(view for view in views if view.rotation.kind is kind)


@of_type.get("/rotation-name/{rotation_name}")
async def read_rotation_by_name(
    world: TheWorld,
    caller: TheCaller,
    kind: TheKind,
    rotation_name: Text,
    project_id: ProjectId,
    environment: Annotated[Text, Query()],
    secret_path: Annotated[FolderPath, Query(alias="secretPath")],
) -> wire.RotationAnswer:
    """Read one rotation by its name and place."""
    where = Where(project_id, environment, secret_path)
    view = await rotations.read_rotation_by_name(world, caller, where, rotation_name)
    if view.rotation.kind is not kind:
        raise NotFound(f"There is no rotation {rotation_name} of type {kind} in {where}.")
    return render.rotation_answer(view)


@of_type.get("/{rotation_id}")
async def read_rotation(world: TheWorld, caller: TheCaller, rotation_id: Id) -> wire.RotationAnswer:
    """Read one rotation."""
    view = await rotations.read_rotation(world, caller, rotation_id)
    return render.rotation_answer(view)


@of_readers.post("")
async def create_rotation(
    world: TheWorld, caller: TheCaller, kind: TheKind, body: wire.CreateRotation
) -> wire.RotationAnswer:
    """Create a rotation: its secrets are served from now on, and it turns as scheduled."""
    draft = await draft_of(body, kind, world.clock.now())
    view = await onboarding.create_rotation(world, caller, draft)
    return render.rotation_answer(view)


@of_type.patch("/{rotation_id}")
async def update_rotation(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: wire.UpdateRotation
) -> wire.RotationAnswer:
    """Change a rotation; what the body does not name stays as it is."""
    view = await rotations.update_rotation(world, caller, rotation_id, _change(body))
    return render.rotation_answer(view)


@of_type.delete("/{rotation_id}")
async def delete_rotation(
    world: TheWorld,
    caller: TheCaller,
    rotation_id: Id,
    delete_secrets: Annotated[Switch, Query(alias="deleteSecrets")] = "false",
    revoke: Annotated[Switch, Query(alias="revokeGeneratedCredentials")] = "false",
) -> wire.RotationAnswer:
    """Delete a rotation, and where asked for also its secrets, here and at Okta."""
    view = await ending.delete_rotation(
        world,
        caller,
        rotation_id,
        delete_secrets=delete_secrets == "true",
        revoke=revoke == "true",
    )
    return render.rotation_answer(view)


@of_readers.get("/{rotation_id}/generated-credentials")
async def read_generated_credentials(
    world: TheWorld, caller: TheCaller, rotation_id: Id
) -> wire.GeneratedCredentialsAnswer:
    """Read the client secrets of both slots, in clear."""
    found = await generated_credentials.read_generated_credentials(world, caller, rotation_id)
    return render.generated(found)


@of_type.post("/{rotation_id}/rotate-secrets")
async def rotate_secrets(
    world: TheWorld, caller: TheCaller, rotation_id: Id
) -> wire.RotationAnswer:
    """Start a turn, or resume a blocked one, and answer once the new secret is served."""
    return render.rotation_answer(await turns.rotate(world, caller, rotation_id))


async def draft_of(body: wire.CreateRotation, kind: CredentialKind, now: datetime) -> RotationDraft:
    """Return the rotation that a body asks for. Raises InvalidInput."""
    change = await with_calendar_read(_schedule(body), now)
    return RotationDraft(
        name=body.name,
        description=body.description,
        where=Where(body.project_id, body.environment, body.secret_path),
        connection_id=body.connection_id,
        parameter=body.parameters.client_id,
        mapping=_mapping(body.secrets_mapping),
        schedule=changed_schedule(DEFAULT, change, now),
        adopt_existing=body.parameters.adopt_existing,
        retire_existing=_consent(body.parameters),
        existing_value=_sensitive(body.parameters.existing_value),
        policy=_policy(body),
        kind=kind,
        algorithm=KeyAlgorithm(body.parameters.key_algorithm),
    )


def _consent(given: wire.CreateParameters) -> Consent | None:
    """Return the owner's consent. Raises InvalidInput for half of one."""
    if given.retire_existing is None and given.retire_existing_made is None:
        return None
    if given.retire_existing is None or given.retire_existing_made is None:
        lacking = "retireExistingMade" if given.retire_existing else "retireExisting"
        rule = "must name the secret together with the other: its id, and the day it was made"
        raise InvalidInput(FieldProblem(("parameters", lacking), rule))
    return Consent(CredentialId(given.retire_existing), given.retire_existing_made)


def _change(body: wire.UpdateRotation) -> RotationChange:
    return RotationChange(
        name=body.name,
        description=body.description,
        described="description" in body.model_fields_set,
        schedule=_schedule(body),
        parameter=body.parameters.client_id if body.parameters else None,
        mapping=_mapping(body.secrets_mapping) if body.secrets_mapping else None,
        policy=_policy(body),
    )


def _schedule(body: wire.CreateRotation | wire.UpdateRotation) -> ScheduleChange:
    return asked(
        automatic=body.is_auto_rotation_enabled,
        interval=body.rotation_interval,
        rotate_at=body.rotate_at_utc,
        ours=body.schedule,
    )


def _sensitive(given: str | None) -> Sensitive | None:
    return Sensitive(given) if given else None


def _policy(body: wire.PolicyFields) -> PolicyChange:
    return PolicyChange(
        overlap=Overlap(body.overlap_policy) if body.overlap_policy else None,
        overlap_s=body.overlap_seconds,
        soak_s=body.soak_seconds,
        backstop_s=body.backstop_seconds,
        quiet_s=body.quiet_seconds,
        log=body.read_system_log,
        repair=body.repair_drift,
    )


def _mapping(given: wire.SecretsMapping) -> SecretsMapping:
    return SecretsMapping(client_id=given.client_id, client_secret=given.client_secret)
