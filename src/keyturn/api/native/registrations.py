"""Client registrations, and those who use their secrets elsewhere."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.description import ASKS_A_SERVER
from keyturn.api.lenient import LenientRoute
from keyturn.domain.oauth import consumers as domain
from keyturn.domain.oauth.registration import Scheme
from keyturn.domain.sensitive import Sensitive
from keyturn.services import consumers, registrations
from keyturn.services.consumers import ConsumerDraft
from keyturn.services.credentials import Credential
from keyturn.services.projects import Where
from keyturn.services.registrations import RegistrationChange, RegistrationDraft, RegistrationView
from keyturn.wire import registrations as wire
from keyturn.wire.base import TEXT_MAX, Id, Text

router = APIRouter(
    prefix="/api/v1/client-registrations", tags=["Client registrations"], route_class=LenientRoute
)

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.post("", responses=ASKS_A_SERVER)
async def create_registration(
    world: TheWorld, caller: TheCaller, body: wire.CreateRegistration
) -> wire.RegistrationAnswer:
    """Create a client registration; its server is asked at once whether it accepts the secret."""
    draft = RegistrationDraft(
        name=body.name,
        where=Where(body.project_id, body.environment, body.secret_path),
        credential=_credential(body),
        connector=body.connector,
        scheme=Scheme(body.scheme),
        provider=body.provider,
        domain=body.domain or "",
        preset=body.preset or "",
        tenant=body.tenant or "",
        issuer=body.issuer or "",
        foreign=body.foreign_hosts,
        description=body.description,
    )
    return _one(await registrations.create_registration(world, caller, draft))


@router.get("")
async def list_registrations(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.RegistrationsAnswer:
    """List the client registrations of a project, and how the secret of each stands."""
    found = await registrations.list_registrations(world, caller, project=project_id)
    return wire.RegistrationsAnswer(registrations=tuple(map(_shown, found)))


@router.get("/{registration_id}")
async def read_registration(
    world: TheWorld, caller: TheCaller, registration_id: Id
) -> wire.RegistrationAnswer:
    """Read one client registration; what it authenticates with is never shown."""
    return _one(await registrations.read_registration(world, caller, registration_id))


@router.patch("/{registration_id}", responses=ASKS_A_SERVER)
async def update_registration(
    world: TheWorld, caller: TheCaller, registration_id: Id, body: wire.UpdateRegistration
) -> wire.RegistrationAnswer:
    """Change a client registration; its connections keep their grants and use what is new."""
    given = _credential(body)
    change = RegistrationChange(
        name=body.name,
        description=body.description,
        provider=body.provider,
        credential=None if given == Credential() else given,
    )
    return _one(await registrations.update_registration(world, caller, registration_id, change))


@router.delete("/{registration_id}")
async def delete_registration(
    world: TheWorld, caller: TheCaller, registration_id: Id
) -> wire.RegistrationAnswer:
    """Delete a client registration that has no connections; nothing changes at its server."""
    return _one(await registrations.delete_registration(world, caller, registration_id))


@router.post("/{registration_id}/prove", responses=ASKS_A_SERVER)
async def prove_registration(
    world: TheWorld, caller: TheCaller, registration_id: Id
) -> wire.RegistrationAnswer:
    """Ask the server now whether it accepts the secret; no grant is spent on that."""
    return _one(await registrations.prove_registration(world, caller, registration_id))


@router.get("/{registration_id}/consumers")
async def list_consumers(
    world: TheWorld, caller: TheCaller, registration_id: Id
) -> wire.ConsumersAnswer:
    """List who else uses the registration's secret, and which version as far as is known."""
    found = await consumers.list_consumers(world, caller, registration_id)
    return wire.ConsumersAnswer(consumers=tuple(map(shown_consumer, found)))


@router.post("/{registration_id}/consumers")
async def create_consumer(
    world: TheWorld, caller: TheCaller, registration_id: Id, body: wire.CreateConsumer
) -> wire.ConsumerAnswer:
    """Tell of a consumer; it counts as using what is served now."""
    draft = ConsumerDraft(
        name=body.name,
        adoption=domain.Adoption(body.adoption),
        identity=body.identity_id or "",
        note=body.note,
        required=body.required,
        workflows=body.workflows_connection,
    )
    made = await consumers.create_consumer(world, caller, registration_id, draft)
    return wire.ConsumerAnswer(consumer=shown_consumer(made))


@router.post("/{registration_id}/consumers/{consumer}/confirm")
async def confirm_consumer(
    world: TheWorld,
    caller: TheCaller,
    registration_id: Id,
    consumer: Named,
    body: wire.ConfirmConsumer | None = None,
) -> wire.ConsumerAnswer:
    """Note that a consumer uses a version by now; a turn waits for it no longer."""
    version = body.version if body else None
    after = await consumers.confirm_consumer(world, caller, registration_id, consumer, version)
    return wire.ConsumerAnswer(consumer=shown_consumer(after))


@router.delete("/{registration_id}/consumers/{consumer}")
async def delete_consumer(
    world: TheWorld, caller: TheCaller, registration_id: Id, consumer: Named
) -> wire.ConsumerAnswer:
    """Forget a consumer; no turn waits for it any more."""
    gone = await consumers.delete_consumer(world, caller, registration_id, consumer)
    return wire.ConsumerAnswer(consumer=shown_consumer(gone))


def shown_consumer(stored: domain.Consumer) -> wire.Consumer:
    """Render a consumer."""
    return wire.Consumer(
        id=stored.id,
        name=stored.name,
        adoption=stored.adoption.value,
        identity_id=stored.identity_id,
        note=stored.note,
        required=stored.required,
        confirmed_version=stored.confirmed,
        confirmed_at=stored.confirmed_at,
        confirmed_by=stored.proof.value,
        workflows_connection=stored.workflows,
        judged_version=stored.judged,
        touched_at=stored.touched_at,
        lacks=stored.told,
        created_at=stored.created_at,
    )


def _credential(body: wire.ClientCredential) -> Credential:
    return Credential(
        client_id=body.client_id or "",
        secret=None if body.client_secret is None else Sensitive(body.client_secret),
        rotation=body.rotation or "",
        secret_name=body.secret_name or "",
        client_id_name=body.client_id_name or "",
    )


def _one(view: RegistrationView) -> wire.RegistrationAnswer:
    return wire.RegistrationAnswer(registration=_shown(view))


def _shown(view: RegistrationView) -> wire.Registration:
    stored, place = view.registration, view.place
    return wire.Registration(
        id=stored.id,
        name=stored.name,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        description=stored.description,
        connector=stored.connector,
        scheme=stored.scheme.value,
        provider=json.loads(stored.provider),
        client_id=stored.client_id,
        secret_name=view.secret_name or None,
        client_id_name=view.client_id_name or None,
        standing=stored.standing.value,
        message=stored.told,
        version=view.version,
        proved_version=stored.proved_version,
        tested_version=stored.tested,
        tested_at=stored.tested_at,
        tested_by=stored.tested_by,
        next_test_at=stored.due_at,
        connections=view.connections,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
