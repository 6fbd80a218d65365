"""Consumers elsewhere: who uses a registration's secret on its own, and by now which version."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain import names
from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Taken
from keyturn.domain.identity import Identity
from keyturn.domain.ids import ConsumerId, IdentityId
from keyturn.domain.oauth.consumers import Adoption, Consumer, confirmed
from keyturn.services.outbox import wake_turn_of
from keyturn.services.ports import Reading, World
from keyturn.services.registrations import RegistrationView, admit, read_stored


@dataclass(frozen=True)
class ConsumerDraft:
    """A consumer as somebody tells of it.

    ``identity`` is the id of who it reads the secret as; ``workflows`` is the name of the
    connection inside Okta Workflows that it is, as Okta's System Log shows it.
    """

    name: str
    adoption: Adoption
    identity: str = ""
    note: str | None = None
    required: bool = True
    workflows: str | None = None


async def create_consumer(
    world: World, caller: Caller, registration_id: str, draft: ConsumerDraft
) -> Consumer:
    """Tell of a consumer; it counts as using what is served now.

    Raises InvalidInput, Forbidden, NotFound, Taken.
    """
    subject = f"consumer {draft.name}"
    seen = await admit(world, caller, Verb.EDIT_GRANTS, registration_id, subject)
    now = world.clock.now()
    async with world.store.writing() as tx:
        await read_stored(tx, seen.registration.id)
        name = names.slug("name", draft.name)
        if await tx.find(Consumer, registration_id=registration_id, name=name):
            raise Taken(f"The registration has a consumer {name} already: choose another name.")
        made = Consumer(
            id=ConsumerId(world.chance.uuid()),
            registration_id=seen.registration.id,
            name=name,
            adoption=draft.adoption,
            created_at=now,
            note=names.description(draft.note),
            identity_id=await _identity(tx, draft.identity),
            required=draft.required,
            confirmed=seen.version,
            confirmed_at=now,
            workflows=_workflows(draft),
        )
        await tx.add(made)
    return made


async def list_consumers(world: World, caller: Caller, registration_id: str) -> Sequence[Consumer]:
    """List the consumers of a registration. Raises NotFound, Forbidden."""
    await admit(world, caller, Verb.READ_GRANTS, registration_id, "consumers")
    async with world.store.reading() as tx:
        return await tx.list(Consumer, registration_id=registration_id)


async def confirm_consumer(
    world: World, caller: Caller, registration_id: str, name: str, version: int | None = None
) -> Consumer:
    """Note that a consumer uses a version by now, or the one that is served.

    Raises NotFound, Forbidden, and InvalidInput for a version that is not served yet.
    """
    subject = f"consumer {name} uses version {version or 'served'}"
    seen = await admit(world, caller, Verb.EDIT_GRANTS, registration_id, subject)
    used = seen.version if version is None else version
    if not 0 < used <= seen.version:
        rule = f"must be from 1 to {seen.version}, which is served now"
        raise InvalidInput(FieldProblem(("version",), rule))
    now = world.clock.now()
    async with world.store.writing() as tx:
        after = confirmed(await _read(tx, seen, name), used, now)
        await tx.replace(after)
        registration = await read_stored(tx, seen.registration.id)
        if registration.secret_id:
            await wake_turn_of(tx, registration.secret_id, now)
    return after


async def delete_consumer(
    world: World, caller: Caller, registration_id: str, name: str
) -> Consumer:
    """Forget a consumer; no turn waits for it any more. Raises NotFound, Forbidden."""
    subject = f"forget consumer {name}"
    seen = await admit(world, caller, Verb.EDIT_GRANTS, registration_id, subject)
    async with world.store.writing() as tx:
        stored = await _read(tx, seen, name)
        await tx.remove(stored)
    return stored


async def _read(tx: Reading, seen: RegistrationView, name: str) -> Consumer:
    found = await tx.find(Consumer, registration_id=seen.registration.id, name=name)
    if found is None:
        raise NotFound(f"Registration {seen.registration.name} has no consumer {name}.")
    return found


def _workflows(draft: ConsumerDraft) -> str | None:
    """Return the name of a connection inside Okta Workflows, which reads nothing here."""
    if draft.workflows is None:
        return None
    if draft.identity or draft.adoption is Adoption.LIVE:
        rule = "is of a consumer that reads nothing here: an admin puts the secret in"
        raise InvalidInput(FieldProblem(("workflowsConnection",), rule))
    return names.title(("workflowsConnection",), draft.workflows, names.DESCRIPTION_MAX)


async def _identity(tx: Reading, identity: str) -> IdentityId | None:
    if not identity:
        return None
    found = await tx.find(Identity, id=identity)
    if found is None:
        raise InvalidInput(FieldProblem(("identityId",), "there is no such identity"))
    return found.id
