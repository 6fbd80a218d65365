"""Client registrations made, renamed, and given another secret. No secret comes back to a page."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import (
    CallerError,
    FieldProblem,
    InvalidInput,
    KeyturnError,
    NotFound,
    ServerError,
)
from keyturn.domain.ids import ProjectId
from keyturn.domain.oauth.document_text import read_document
from keyturn.domain.oauth.registration import Scheme
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.credentials import Credential
from keyturn.services.projects import Where, Whole, anywhere_in
from keyturn.services.registrations import (
    RegistrationChange,
    RegistrationDraft,
    RegistrationView,
    create_registration,
    read_registration,
    update_registration,
)
from keyturn.services.rotations import RotationView, list_rotations
from keyturn.web.faults import told_of
from keyturn.web.pages.connections import REGISTERING
from keyturn.web.pages.registrations import LIST, ONE, subject_of
from keyturn.web.pages.registrations_ways import NAMED, WAYS, Way
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

TEXT_MAX: Final = 16_384


@dataclass(frozen=True)
class Typed:
    """What a form says of a registration; nothing of what is secret."""

    name: str = ""
    environment: str = ""
    path: str = "/"
    domain: str = ""
    tenant: str = ""
    issuer: str = ""
    foreign: str = ""
    provider: str = ""
    by: str = ""
    rotation: str = ""
    client_id: str = ""
    secret_name: str = ""
    client_id_name: str = ""
    description: str = ""


FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "clientSecret": "secret",
        "clientId": "client_id",
        "secretName": "secret_name",
        "clientIdName": "client_id_name",
        "secretPath": "path",
        "preset": "issuer",
    }
)
"""At which field of the form a rule is told."""


async def choose(visit: Visit) -> Response:
    """Ask at which server the client is known, or go on where that is said."""
    whole, projects = await visit.projects()
    visit.require(whole.project.name, anywhere_in(whole.project.id), *REGISTERING)
    kind = visit.query.get("kind", "")
    if kind in WAYS:
        name = kind if WAYS[kind].scheme is Scheme.OAUTH else ""
        return await _form(visit, whole, kind, Typed(name=name))
    return visit.render(
        "connections/registrations/choose.html",
        whole=whole,
        projects=projects,
        known={kind: WAYS[kind] for kind in NAMED},
        others={kind: way for kind, way in WAYS.items() if kind not in NAMED},
    )


async def create(visit: Visit) -> Response:
    """Store a registration; its server is asked at once whether it accepts the secret."""
    whole, _ = await visit.projects()
    kind = visit.said("kind")
    if kind not in WAYS:
        raise NotFound(f"There is no way of registering called {kind}.")
    way, typed = WAYS[kind], _typed(visit)
    try:
        rotation = await _rotation(visit, whole, typed)
        draft = RegistrationDraft(
            name=typed.name,
            where=_where(whole, typed, rotation),
            credential=_credential(visit, typed, way.scheme, rotation),
            connector=way.connector,
            scheme=way.scheme,
            provider=_document(typed.provider),
            domain=typed.domain,
            preset=way.preset,
            tenant=typed.tenant,
            issuer=typed.issuer,
            foreign=tuple(typed.foreign.split()),
            description=typed.description,
        )
        view = await create_registration(visit.world, visit.caller, draft)
    except (CallerError, ServerError) as error:
        return await _form(visit, whole, kind, typed, error)
    told = "Made. Now make a connection with it." if view.registration.told == "" else "Made."
    return visit.redirect(f"{LIST}/{view.registration.id}", told)


async def show_edit(visit: Visit) -> Response:
    """Ask what a registration is to be called."""
    view = await _view(visit)
    one = view.registration
    return _renaming(visit, view, Typed(name=one.name, description=one.description or ""))


async def edit(visit: Visit) -> Response:
    """Rename a registration."""
    view, typed = await _view(visit), _typed(visit)
    change = RegistrationChange(name=typed.name, description=typed.description)
    try:
        await update_registration(visit.world, visit.caller, view.registration.id, change)
    except NotFound:
        raise
    except CallerError as error:
        return _renaming(visit, view, typed, error)
    return visit.redirect(f"{LIST}/{view.registration.id}", "Saved.")


async def show_replacement(visit: Visit) -> Response:
    """Ask for another secret, and for another server where that is wanted."""
    view = await _view(visit)
    named = Typed(
        client_id=view.registration.client_id,
        secret_name=view.secret_name,
        client_id_name=view.client_id_name,
        by="stored" if view.secret_name else "own",
        provider=json.dumps(json.loads(view.registration.provider), indent=2, ensure_ascii=False),
    )
    return await _replacing(visit, view, named)


async def replace_secret(visit: Visit) -> Response:
    """Give a registration another secret, once its server has accepted it, or another server.

    Another server takes the secret again, so that nobody has the one that is kept sent elsewhere.
    """
    view, typed = await _view(visit), _typed(visit)
    try:
        rotation = await _rotation(visit, Whole(view.place.project, ()), typed)
        if rotation and rotation.place.folder.id != view.place.folder.id:
            rule = "must be a rotation of the registration's own folder"
            raise InvalidInput(FieldProblem(("rotation",), rule))
        given = _credential(visit, typed, view.registration.scheme, rotation)
        document = _document(typed.provider)
        led = None if document == json.loads(view.registration.provider) else document
        change = RegistrationChange(provider=led, credential=given)
        after = await update_registration(visit.world, visit.caller, view.registration.id, change)
    except NotFound:
        raise
    except (CallerError, ServerError) as error:
        return await _replacing(visit, view, typed, error)
    told = f"Version {after.version} is used from now on, by all its connections."
    return visit.redirect(f"{LIST}/{view.registration.id}", told)


async def _view(visit: Visit) -> RegistrationView:
    return await read_registration(visit.world, visit.caller, visit.given("registration_id"))


def _typed(visit: Visit) -> Typed:
    return Typed(**{each.name: visit.said(each.name) for each in fields(Typed)})


async def _rotation(visit: Visit, whole: Whole, typed: Typed) -> RotationView | None:
    """Return the rotation that is chosen. Raises InvalidInput where none is, and should be."""
    if typed.by != "rotation":
        return None
    for each in await list_rotations(visit.world, visit.caller, project=whole.project.id):
        if each.rotation.id == typed.rotation:
            return each
    raise InvalidInput(FieldProblem(("rotation",), "must be chosen"))


def _where(whole: Whole, typed: Typed, rotation: RotationView | None) -> Where:
    """Return the folder: a rotation's own, as a registration lies beside what it refers to."""
    if rotation:
        place = rotation.place
        return Where(whole.project.id, place.environment.slug, place.folder.path)
    return Where(whole.project.id, typed.environment, typed.path or "/")


def _credential(
    visit: Visit, typed: Typed, scheme: Scheme, rotation: RotationView | None
) -> Credential:
    if scheme is Scheme.NONE:
        return Credential()
    if rotation:
        return Credential(rotation=rotation.rotation.name)
    if typed.by == "stored":
        if not typed.secret_name:
            raise InvalidInput(FieldProblem(("secretName",), "must be given"))
        client_id = "" if typed.client_id_name else typed.client_id
        return Credential(client_id, None, "", typed.secret_name, typed.client_id_name)
    value = str(visit.form.get("lines", "")) or str(visit.form.get("secret", ""))
    return Credential(typed.client_id, Sensitive(value) if value else None)


def _document(text: str) -> Mapping[str, object] | None:
    if len(text) > TEXT_MAX:
        raise InvalidInput(FieldProblem(("provider",), f"must be at most {TEXT_MAX} characters"))
    try:
        return read_document(text) if text else None
    except ValueError as error:
        raise InvalidInput(FieldProblem(("provider",), f"is {error}")) from None


def _told(error: KeyturnError | None, form: frozenset[str]) -> Sequence[tuple[str, str]]:
    """Return what an error says, each at its field where the form has that."""
    if not isinstance(error, InvalidInput):
        return [("", error.message)] if error else ()
    inner = [(each.field[0], ".".join(each.field[1:]), each.rule) for each in error.problems]
    named = [FieldProblem((first,), f"{rest} {rule}".strip()) for first, rest, rule in inner]
    told = told_of(InvalidInput(*named), FIELDS)
    return [(name if name in form else "", sentence) for name, sentence in told]


async def _rotations(visit: Visit, project_id: ProjectId) -> Sequence[tuple[str, str]]:
    """Return the rotations whose secret a registration may use, for who may see them."""
    if not gate.may(visit.caller, Verb.READ_ROTATIONS, anywhere_in(project_id)):
        return ()
    every = await list_rotations(visit.world, visit.caller, project=project_id)
    return [
        (each.rotation.id, f"{each.rotation.name} in {each.place}")
        for each in every
        if not each.rotation.kind.rules.of_connection
    ]


async def _form(
    visit: Visit, whole: Whole, kind: str, typed: Typed, error: KeyturnError | None = None
) -> Response:
    way = WAYS[kind]
    rotations = await _rotations(visit, whole.project.id) if way.scheme is Scheme.OAUTH else ()
    form = frozenset((*(each.name for each in fields(Typed)), "secret"))
    return visit.render(
        "connections/registrations/new.html",
        status=status_of(error) if error else 200,
        problems=_told(error, form),
        whole=whole,
        kind=kind,
        way=way,
        typed=typed,
        by=typed.by or ("rotation" if rotations else "own"),
        rotations=rotations,
        environments=[(each.slug, each.name) for each in whole.environments],
        command=_command(whole, kind, way, typed),
    )


def _renaming(
    visit: Visit, view: RegistrationView, typed: Typed, error: KeyturnError | None = None
) -> Response:
    one = subject_of(visit, view)
    one.require(Verb.EDIT_GRANTS)
    return visit.render(
        "connections/registrations/edit.html",
        status=status_of(error) if error else 200,
        problems=_told(error, frozenset({"name", "description"})),
        one=one,
        led=view.registration.scheme is Scheme.OAUTH and one.may(Verb.READ_SECRETS),
        typed=typed,
    )


async def _replacing(
    visit: Visit, view: RegistrationView, typed: Typed, error: KeyturnError | None = None
) -> Response:
    one, here = subject_of(visit, view), f" in {view.place}"
    one.require(*REGISTERING)
    rotations = [
        (key, text.removesuffix(here))
        for key, text in await _rotations(visit, view.place.project.id)
        if text.endswith(here)
    ]
    scheme = view.registration.scheme
    names = next(way.names for way in WAYS.values() if way.scheme is scheme)
    form = frozenset(
        {"rotation", "client_id", "secret", "secret_name", "client_id_name", "provider"}
    )
    return visit.render(
        "connections/registrations/secret.html",
        status=status_of(error) if error else 200,
        problems=_told(error, form),
        one=one,
        view=view,
        typed=typed,
        by=typed.by or "own",
        open=visit.query.get("open") == "provider",
        names=names,
        rotations=rotations if scheme is Scheme.OAUTH else (),
    )


def _command(whole: Whole, kind: str, way: Way, typed: Typed) -> str:
    words = ["keyturn", "registration", "add"]
    words += [typed.name if typed.name not in ("", kind) else "NAME"]
    words += ["--project", whole.project.slug, "--env", typed.environment or "ENV"]
    words += ["--path", typed.path] if typed.path not in ("", "/") else []
    words += ["--connector", way.connector] if way.connector != "api" else []
    words += ["--preset", way.preset] if way.preset else []
    words += ["--scheme", way.scheme] if way.scheme is not Scheme.OAUTH else []
    asked = {"domain": typed.domain or "DOMAIN", "tenant": typed.tenant or "TENANT"}
    asked |= {"issuer": typed.issuer or ("ISSUER" if kind == "issuer" else "")}
    asked |= {"provider": "FILE" if kind == "document" else ""}
    for name in way.needs:
        words += [f"--{name}", asked[name]] if asked.get(name) else []
    if way.scheme is Scheme.OAUTH:
        return shlex.join((*words, "--rotation", "ROTATION"))
    client = ("--client-id", typed.client_id or "ID", "--secret-stdin")
    return shlex.join((*words, *(client if way.scheme is not Scheme.NONE else ())))


ROUTES: Final = (
    page(f"{LIST}/new", choose),
    action(f"{LIST}/new", create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
    page(f"{ONE}/secret", show_replacement),
    action(f"{ONE}/secret", replace_secret),
)
