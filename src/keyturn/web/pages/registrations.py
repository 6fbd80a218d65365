"""Client registrations: how the secret of each stands at its server, and who uses it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import CallerError, KeyturnError, NotFound, ServerError
from keyturn.domain.oauth.connectors import CONNECTORS
from keyturn.domain.oauth.consumers import Adoption
from keyturn.domain.oauth.documents import document_of
from keyturn.domain.oauth.provider import Provider
from keyturn.services import gate
from keyturn.services.consumers import (
    ConsumerDraft,
    confirm_consumer,
    create_consumer,
    delete_consumer,
    list_consumers,
)
from keyturn.services.identity_changes import list_identities
from keyturn.services.oauth_connections import list_connections
from keyturn.services.registrations import (
    RegistrationView,
    delete_registration,
    list_registrations,
    prove_registration,
    read_registration,
)
from keyturn.services.usage import list_health, list_secret_health
from keyturn.web.elsewhere import count_elsewhere
from keyturn.web.faults import told_of
from keyturn.web.lights import LIGHTS, SECRETS, standing_of
from keyturn.web.pages.connections import registers
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.subject import Subject
from keyturn.web.visiting import Visit

LIST: Final = "/connections/registrations"
ONE: Final = f"{LIST}/{{registration_id}}"
ADOPTIONS: Final[Mapping[Adoption, tuple[str, str]]] = MappingProxyType(
    {
        Adoption.LIVE: (
            "It reads the secret on each use",
            "What it was given counts as used, where Keyturn knows whom it reads as.",
        ),
        Adoption.RELOAD: (
            "It reads it again when it is told to",
            "Whoever has reloaded it confirms, best by the agent's hook.",
        ),
        Adoption.RESTART: (
            "It reads it once, when it starts",
            "Whoever has restarted it confirms.",
        ),
    }
)
"""How a consumer comes to a new secret, for people."""
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {"workflowsConnection": "workflows", "identityId": "identity"}
)


async def list_all(visit: Visit) -> Response:
    """List the client registrations of a project."""
    whole, projects = await visit.projects()
    found = await list_registrations(visit.world, visit.caller, project=whole.project.id)
    health = await list_secret_health(visit.world, [each.registration for each in found])
    order = [*LIGHTS]
    return visit.render(
        "connections/registrations/list.html",
        whole=whole,
        projects=projects,
        rows=[
            (subject_of(visit, each), each, standing_of(each.registration, told), told)
            for each, told in sorted(
                zip(found, health, strict=True),
                key=lambda one: (order.index(one[1].light), one[0].registration.name),
            )
        ],
        titles={name: each.title for name, each in CONNECTORS.items()},
        elsewhere=()
        if found
        else await count_elsewhere(visit, LIST, Verb.READ_GRANTS, list_registrations),
        creates=registers(visit, whole),
    )


async def show(visit: Visit) -> Response:
    """Show one client registration."""
    return await show_one(visit)


async def show_one(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Show the registration that the path names, and what became of what was asked of it."""
    world, caller = visit.world, visit.caller
    view = await read_registration(world, caller, visit.given("registration_id"))
    one, registration = subject_of(visit, view), view.registration
    every = await list_connections(world, caller, project=view.place.project.id)
    mine = [each for each in every if each.registration.id == registration.id]
    health = await list_health(world, mine)
    (secret,) = await list_secret_health(world, [registration])
    said = visit.said
    return visit.render(
        "connections/registrations/show.html",
        status=status_of(error) if error else 200,
        error="" if isinstance(error, CallerError) else error.message if error else "",
        problems=told_of(error, FIELDS) if isinstance(error, CallerError) else (),
        one=one,
        view=view,
        registration=registration,
        connector=CONNECTORS[registration.connector].title,
        standing=standing_of(registration, secret),
        secret=secret,
        described=_described(view.provider),
        connections=[
            (each, told, LIGHTS[told.light]) for each, told in zip(mine, health, strict=True)
        ],
        consumers=await list_consumers(world, caller, registration.id),
        adoptions=[(each.value, *told) for each, told in ADOPTIONS.items()],
        identities=await _identities(visit, one),
        typed={name: said(name) for name in ("name", "adoption", "workflows", "identity", "note")},
    )


async def prove(visit: Visit) -> Response:
    """Ask the server now whether it accepts the secret."""
    registration_id = visit.given("registration_id")
    try:
        view = await prove_registration(visit.world, visit.caller, registration_id)
    except ServerError as error:
        return await show_one(visit, error)
    word = SECRETS[view.registration.standing].text.lower()
    by = f", by {view.registration.tested_by}" if view.registration.tested_by else ""
    return visit.redirect(f"{LIST}/{registration_id}", f"Version {view.version}: {word}{by}.")


async def show_delete(visit: Visit) -> Response:
    """Ask whether to delete a registration that nothing uses."""
    view = await read_registration(visit.world, visit.caller, visit.given("registration_id"))
    one = subject_of(visit, view)
    one.require(Verb.EDIT_GRANTS)
    return visit.render("connections/registrations/delete.html", one=one, view=view)


async def delete(visit: Visit) -> Response:
    """Delete a registration that has no connections."""
    gone = await delete_registration(visit.world, visit.caller, visit.given("registration_id"))
    return visit.redirect(LIST, f"{gone.registration.name} is deleted.")


async def add_consumer(visit: Visit) -> Response:
    """Tell of somebody else who uses the secret."""
    said, registration_id = visit.said, visit.given("registration_id")
    adoption = next((each for each in Adoption if each == said("adoption")), Adoption.RESTART)
    draft = ConsumerDraft(
        name=said("name"),
        adoption=adoption,
        identity=said("identity"),
        note=said("note"),
        required=bool(said("required")),
        workflows=said("workflows") or None,
    )
    try:
        made = await create_consumer(visit.world, visit.caller, registration_id, draft)
    except NotFound:
        raise
    except CallerError as error:
        return await show_one(visit, error)
    told = f"Turns wait for {made.name} from now on." if made.required else f"{made.name} is known."
    return visit.redirect(_consumers(visit), told)


async def confirm(visit: Visit) -> Response:
    """Note that a consumer uses what is served."""
    name = visit.said("consumer")
    after = await confirm_consumer(visit.world, visit.caller, visit.given("registration_id"), name)
    told = f"{after.name} uses version {after.confirmed}."
    return visit.redirect(_consumers(visit), told)


async def remove_consumer(visit: Visit) -> Response:
    """Forget a consumer."""
    name = visit.said("consumer")
    gone = await delete_consumer(visit.world, visit.caller, visit.given("registration_id"), name)
    return visit.redirect(_consumers(visit), f"No turn waits for {gone.name} any more.")


def subject_of(visit: Visit, view: RegistrationView) -> Subject:
    """Return a registration as what a page is about."""
    return Subject(visit, view.registration.id, view.registration.name, view.place, LIST)


def _consumers(visit: Visit) -> str:
    return f"{LIST}/{visit.given('registration_id')}#consumers"


def _described(provider: Provider) -> Sequence[tuple[str, str]]:
    """Return how a server is spoken to, member by member; of extras their names alone."""
    told: list[tuple[str, str]] = []
    for name, value in document_of(provider).items():
        if name == "endpoints" and isinstance(value, Mapping):
            told += [(f"endpoint {each}", str(url)) for each, url in value.items()]
        elif name == "extras":
            told += [("extra", f"{each.name} in the {each.part}") for each in provider.extras]
        elif isinstance(value, Mapping):
            told += [(name, f"{key}: {each}") for key, each in value.items()]
        elif isinstance(value, list | tuple):
            told += [(name, str(each)) for each in value]
        else:
            told.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return told


async def _identities(visit: Visit, one: Subject) -> Sequence[tuple[str, str]]:
    """Return whom a consumer may read as, for who may tell of consumers and see identities."""
    sees = gate.may(visit.caller, Verb.READ_IDENTITIES, Target())
    if not (sees and one.may(Verb.EDIT_GRANTS)):
        return ()
    machines = await list_identities(visit.world, visit.caller, person=False)
    return [(each.identity.id, each.identity.name) for each in machines]


ROUTES: Final = (
    page(LIST, list_all),
    page(ONE, show),
    action(f"{ONE}/prove", prove),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
    action(f"{ONE}/consumers", add_consumer),
    action(f"{ONE}/consumers/confirm", confirm),
    action(f"{ONE}/consumers/remove", remove_consumer),
)
