"""Rotations of Okta client secrets."""

from datetime import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical import render
from keyturn.api.lenient import LenientRoute
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.services import ending, onboarding, rotations, turns
from keyturn.services.onboarding import RotationDraft
from keyturn.services.projects import Where
from keyturn.services.rotations import RotationChange
from keyturn.wire import rotations as wire
from keyturn.wire.base import FolderPath, Id, Text

router = APIRouter(prefix="/api/v2/secret-rotations", tags=["Rotations"], route_class=LenientRoute)
OKTA = "/" + wire.TYPE

OPTION = wire.RotationOption(
    name="Okta Client Secret",
    connection="okta",
    type=wire.TYPE,
    template=wire.RotationTemplate(
        secrets_mapping=wire.SecretsMapping(
            client_id="OKTA_CLIENT_ID", client_secret="OKTA_CLIENT_SECRET"
        )
    ),
)

Switch = Literal["true", "false"]
ProjectId = Annotated[Text, Query(alias="projectId")]


@router.get("/options")
async def list_rotation_options(caller: TheCaller) -> wire.RotationOptionsAnswer:
    """List the kinds of rotations that can be created."""
    return wire.RotationOptionsAnswer(secret_rotation_options=(OPTION,))


@router.get("")
@router.get(OKTA, name="list_okta_rotations")
async def list_rotations(
    world: TheWorld, caller: TheCaller, project_id: ProjectId
) -> wire.RotationsAnswer:
    """List the rotations of a project."""
    views = await rotations.list_rotations(world, caller, project=project_id)
    return render.rotations_answer(views)


@router.get(OKTA + "/rotation-name/{rotation_name}")
async def read_rotation_by_name(
    world: TheWorld,
    caller: TheCaller,
    rotation_name: Text,
    project_id: ProjectId,
    environment: Annotated[Text, Query()],
    secret_path: Annotated[FolderPath, Query(alias="secretPath")],
) -> wire.RotationAnswer:
    """Read one rotation by its name and place."""
    where = Where(project_id, environment, secret_path)
    view = await rotations.read_rotation_by_name(world, caller, where, rotation_name)
    return render.rotation_answer(view)


@router.get(OKTA + "/{rotation_id}")
async def read_rotation(world: TheWorld, caller: TheCaller, rotation_id: Id) -> wire.RotationAnswer:
    """Read one rotation."""
    view = await rotations.read_rotation(world, caller, rotation_id)
    return render.rotation_answer(view)


@router.post(OKTA)
async def create_rotation(
    world: TheWorld, caller: TheCaller, body: wire.CreateRotation
) -> wire.RotationAnswer:
    """Create a rotation: its secrets are served from now on, and it turns as scheduled."""
    view = await onboarding.create_rotation(world, caller, _draft(body))
    return render.rotation_answer(view)


@router.patch(OKTA + "/{rotation_id}")
async def update_rotation(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: wire.UpdateRotation
) -> wire.RotationAnswer:
    """Change a rotation; what the body does not name stays as it is."""
    view = await rotations.update_rotation(world, caller, rotation_id, _change(body))
    return render.rotation_answer(view)


@router.delete(OKTA + "/{rotation_id}")
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


@router.get(OKTA + "/{rotation_id}/generated-credentials")
async def read_generated_credentials(
    world: TheWorld, caller: TheCaller, rotation_id: Id
) -> wire.GeneratedCredentialsAnswer:
    """Read the client secrets of both slots, in clear."""
    found = await rotations.read_generated_credentials(world, caller, rotation_id)
    return render.generated(found)


@router.post(OKTA + "/{rotation_id}/rotate-secrets")
async def rotate_secrets(
    world: TheWorld, caller: TheCaller, rotation_id: Id
) -> wire.RotationAnswer:
    """Start a turn, or resume a blocked one, and answer once the new secret is served."""
    return render.rotation_answer(await turns.rotate(world, caller, rotation_id))


def _draft(body: wire.CreateRotation) -> RotationDraft:
    at = body.rotate_at_utc
    return RotationDraft(
        name=body.name,
        description=body.description,
        where=Where(body.project_id, body.environment, body.secret_path),
        connection_id=body.connection_id,
        parameter=body.parameters.client_id,
        mapping=_mapping(body.secrets_mapping),
        schedule=Schedule(
            interval_days=body.rotation_interval,
            rotate_at=time(at.hours, at.minutes),
            automatic=body.is_auto_rotation_enabled,
        ),
        adopt_existing=body.parameters.adopt_existing,
        retire_existing=body.parameters.retire_existing,
        overlap_s=body.overlap_seconds,
        soak_s=body.soak_seconds,
    )


def _change(body: wire.UpdateRotation) -> RotationChange:
    at = body.rotate_at_utc
    return RotationChange(
        name=body.name,
        description=body.description,
        described="description" in body.model_fields_set,
        automatic=body.is_auto_rotation_enabled,
        interval_days=body.rotation_interval,
        rotate_at=time(at.hours, at.minutes) if at else None,
        parameter=body.parameters.client_id if body.parameters else None,
        mapping=_mapping(body.secrets_mapping) if body.secrets_mapping else None,
        overlap_s=body.overlap_seconds,
        soak_s=body.soak_seconds,
    )


def _mapping(given: wire.SecretsMapping) -> SecretsMapping:
    return SecretsMapping(client_id=given.client_id, client_secret=given.client_secret)
