"""Connections made, changed and given up; the names by which they are used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import AddressRefused, CallerError, InvalidInput, NotFound, Refused
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.connectors import CONNECTORS
from keyturn.domain.sensitive import Sensitive
from keyturn.services.aliases import create_alias, delete_alias, lead_alias
from keyturn.services.grants import INPUTS, ConnectionDraft, require_fit
from keyturn.services.oauth_connections import (
    ConnectionChange,
    ConnectionView,
    create_connection,
    delete_connection,
    list_connections,
    read_connection,
    update_connection,
)
from keyturn.services.projects import anywhere_in
from keyturn.services.registrations import (
    RegistrationView,
    list_registrations,
    read_registration,
)
from keyturn.services.usage import usage_of_connection
from keyturn.web.faults import require_typed, told_of
from keyturn.web.pages.connections import (
    CONSENTED,
    GRANTS,
    LIST,
    ONE,
    registers,
    show_one,
    subject_of,
)
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.subject import Subject
from keyturn.web.visiting import Visit

HINTS: Final[Mapping[GrantType, str]] = MappingProxyType(
    {
        GrantType.CODE: "Somebody logs in at the server and consents, once.",
        GrantType.DEVICE: "The same where no browser is at hand: by a code.",
        GrantType.CLIENT_CREDENTIALS: "Nobody consents: the client acts for itself.",
        GrantType.JWT_BEARER: "An assertion that somebody has signed is shown for tokens.",
        GrantType.EXCHANGE: "The token of another connection is exchanged for one of its own.",
        GrantType.PASSWORD: "A user's name and password are shown for tokens.",
        GrantType.REFRESH: "One that was granted to the same client, and that nobody else uses.",
        GrantType.NONE: "What the registration holds authorizes each request.",
    }
)
FIELDS: Final[Mapping[str, str]] = MappingProxyType({"grantType": "grant"})


@dataclass(frozen=True)
class Typed:
    """What a form says of a connection; nothing of what is secret."""

    name: str
    scopes: str
    description: str
    grant: str = ""
    source: str = ""
    subject_token_type: str = ""
    username: str = ""


async def choose(visit: Visit) -> Response:
    """Ask with which client registration, or go on where that is said."""
    registration_id = visit.query.get("registration", "")
    if registration_id:
        made_with = await read_registration(visit.world, visit.caller, registration_id)
        _of(visit, made_with).require(Verb.EDIT_GRANTS)
        scopes = CONNECTORS[made_with.registration.connector].scopes
        first = next(iter(_fitting(made_with)), None)
        return await _new(visit, made_with, Typed("", "\n".join(scopes), "", str(first or "")))
    whole, projects = await visit.projects()
    visit.require(whole.project.name, anywhere_in(whole.project.id), Verb.EDIT_GRANTS)
    found = await list_registrations(visit.world, visit.caller, project=whole.project.id)
    may = [each for each in found if _of(visit, each).may(Verb.EDIT_GRANTS)]
    return visit.render(
        "connections/choose.html",
        whole=whole,
        projects=projects,
        found=may,
        registers=registers(visit, whole),
    )


async def create(visit: Visit) -> Response:
    """Make a connection; one that needs nobody's consent has its first tokens at once."""
    made_with = await read_registration(visit.world, visit.caller, visit.said("registration"))
    typed = _typed(visit)
    try:
        grant = next((each for each in GrantType if each == typed.grant), GrantType.CODE)
        draft = ConnectionDraft(
            name=typed.name,
            registration_id=made_with.registration.id,
            grant_type=grant,
            scopes=tuple(typed.scopes.split()),
            given=_given(visit, grant),
            source=typed.source if grant is GrantType.EXCHANGE else "",
            description=typed.description,
        )
        view = await create_connection(visit.world, visit.caller, draft)
    except NotFound:
        raise
    except (CallerError, AddressRefused) as error:
        return await _new(visit, made_with, typed, error)
    told = "Made. Now somebody has to authorize it." if grant in CONSENTED else "Made."
    return visit.redirect(f"{LIST}/{view.connection.id}", told)


async def show_edit(visit: Visit) -> Response:
    """Ask what is to change of a connection."""
    view = await _view(visit)
    one = view.connection
    return _form(visit, view, Typed(one.name, "\n".join(one.scopes), one.description or ""))


async def edit(visit: Visit) -> Response:
    """Change a connection; other scopes are asked for when it is authorized next."""
    view, typed = await _view(visit), _typed(visit)
    scopes = tuple(typed.scopes.split())
    given = _given(visit, view.connection.grant_type) if _says_anew(visit) else None
    change = ConnectionChange(typed.name, typed.description, scopes, given)
    try:
        after = await update_connection(visit.world, visit.caller, view.connection.id, change)
    except NotFound:
        raise
    except CallerError as error:
        return _form(visit, view, typed, error)
    changed = set(after.connection.scopes) != set(view.connection.scopes)
    asks = changed and after.connection.grant_type in CONSENTED
    told = "Saved. Other scopes are asked for now: authorize it again." if asks else "Saved."
    return visit.redirect(f"{LIST}/{view.connection.id}", told)


async def show_delete(visit: Visit) -> Response:
    """Say what goes with a connection, and ask for its name."""
    return await _ask_deletion(visit, await _view(visit))


async def delete(visit: Visit) -> Response:
    """Give a connection up, once its name was typed."""
    view = await _view(visit)
    try:
        require_typed(visit, view.connection.name)
    except Refused as error:
        return await _ask_deletion(visit, view, error.message)
    await delete_connection(visit.world, visit.caller, view.connection.id, force=True)
    told = f"{view.connection.name} is gone; its tokens were revoked where the server can."
    return visit.redirect(LIST, told)


async def add_alias(visit: Visit) -> Response:
    """Give a connection another name."""
    connection_id, name = visit.given("connection_id"), visit.said("alias")
    try:
        made = await create_alias(visit.world, visit.caller, name, connection_id)
    except NotFound:
        raise
    except CallerError as error:
        return await show_one(visit, error)
    return visit.redirect(f"{LIST}/{connection_id}", f"{made.alias.name} leads here.")


async def lead(visit: Visit) -> Response:
    """Lead an alias to another connection."""
    to = visit.said("to")
    led = await lead_alias(visit.world, visit.caller, visit.given("alias_id"), to)
    told = f"{led.alias.name} leads here now. The way back is to lead it there again."
    return visit.redirect(f"{LIST}/{led.connection.id}", told)


async def remove_alias(visit: Visit) -> Response:
    """Remove an alias; its connection stays."""
    gone = await delete_alias(visit.world, visit.caller, visit.given("alias_id"))
    return visit.redirect(f"{LIST}/{gone.connection.id}", f"{gone.alias.name} leads nowhere now.")


def _of(visit: Visit, view: RegistrationView) -> Subject:
    one = view.registration
    return Subject(visit, one.id, one.name, view.place, f"{LIST}/registrations")


async def _view(visit: Visit) -> ConnectionView:
    return await read_connection(visit.world, visit.caller, visit.given("connection_id"))


def _fitting(view: RegistrationView) -> Sequence[GrantType]:
    """Return the grants that can come of a registration."""
    fitting = []
    for grant in GrantType:
        try:
            require_fit(view.registration, ConnectionDraft("", view.registration.id, grant))
        except InvalidInput:
            continue
        fitting.append(grant)
    return fitting


def _typed(visit: Visit) -> Typed:
    said = visit.said
    return Typed(
        said("name"),
        said("scopes"),
        said("description"),
        said("grant"),
        said("source"),
        said("subject_token_type"),
        said("username"),
    )


def _given(visit: Visit, grant: GrantType) -> Mapping[str, Sensitive]:
    """Return what the form says of what a grant takes; a password is taken as it was typed."""
    told = {name: str(visit.form.get(name, "")) for name in INPUTS.get(grant, ())}
    return {
        name: Sensitive(text if name == "password" else text.strip())
        for name, text in told.items()
        if text.strip()
    }


def _says_anew(visit: Visit) -> bool:
    names = {name for names in INPUTS.values() for name in names}
    return any(visit.said(name) for name in names)


async def _new(
    visit: Visit, made_with: RegistrationView, typed: Typed, error: CallerError | None = None
) -> Response:
    place = made_with.place
    every = await list_connections(visit.world, visit.caller, project=place.project.id)
    near = [each.connection for each in every if each.place.folder.id == place.folder.id]
    return visit.render(
        "connections/new.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, FIELDS),
        typed=typed,
        made_with=made_with,
        grants=[(each.value, GRANTS[each], HINTS[each]) for each in _fitting(made_with)],
        sources=[(each.id, each.name) for each in near],
        command=_command(visit, made_with, typed),
    )


def _command(visit: Visit, made_with: RegistrationView, typed: Typed) -> str:
    words = ["connection", "add", typed.name or "NAME", "--registration", "..."]
    words += ["--grant", typed.grant] if typed.grant else []
    scopes = (word for each in typed.scopes.split() for word in ("--scope", each))
    return _of(visit, made_with).command(*words, *scopes)


def _form(
    visit: Visit, view: ConnectionView, typed: Typed, error: CallerError | None = None
) -> Response:
    one = subject_of(visit, view)
    one.require(Verb.EDIT_GRANTS)
    return visit.render(
        "connections/edit.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, FIELDS),
        one=one,
        typed=typed,
        connection=view.connection,
        grant=GRANTS[view.connection.grant_type],
    )


async def _ask_deletion(visit: Visit, view: ConnectionView, error: str = "") -> Response:
    one = subject_of(visit, view)
    one.require(Verb.EDIT_GRANTS)
    usage = await usage_of_connection(visit.world, visit.caller, view.connection.id)
    (use,) = usage.registrations[0].connections
    return visit.render(
        "connections/delete.html",
        status=400 if error else 200,
        error=error,
        one=one,
        view=view,
        consented=view.connection.grant_type in CONSENTED,
        flows=sorted(each.saved.name for each in use.flows),
    )


ROUTES: Final = (
    page(f"{LIST}/new", choose),
    action(f"{LIST}/new", create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
    action(f"{ONE}/aliases", add_alias),
    action(f"{LIST}/aliases/{{alias_id}}/lead", lead),
    action(f"{LIST}/aliases/{{alias_id}}/delete", remove_alias),
)
