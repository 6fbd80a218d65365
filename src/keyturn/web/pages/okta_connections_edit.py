"""Access to an Okta org made, and given other credentials; the org accepts them first."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.connection import ApiToken, Method, OktaCredentials, ServiceApp
from keyturn.domain.errors import (
    AddressRefused,
    CallerError,
    FieldProblem,
    InvalidInput,
    KeyturnError,
    NotFound,
    OktaError,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.connections import (
    OktaConnectionChange,
    OktaConnectionDraft,
    create_okta_connection,
    update_okta_connection,
)
from keyturn.services.projects import Whole
from keyturn.web.faults import told_of
from keyturn.web.pages.okta_connections import LIST, ONE, OneOkta, find_one
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit
from keyturn.wire.connections import API_TOKEN, JWK_MAX

METHODS: Final = (
    (Method.SERVICE_APP.value, "The key of a service app", "Okta's advice; Keyturn can turn it."),
    (Method.API_TOKEN.value, "An API token", "It belongs to an administrator, and ends with them."),
)
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apiToken": "token",
        "clientId": "client_id",
        "privateKey": "key",
        "credentials": "token",
        "instanceUrl": "url",
    }
)
TOKEN_RULE: Final = "must be an Okta API token: 00 and 40 more characters"
KEY_RULE: Final = f"must be a JWK of at most {JWK_MAX} characters"


@dataclass(frozen=True)
class Typed:
    """What a form says of a connection; nothing of what is secret."""

    name: str = ""
    url: str = ""
    description: str = ""
    method: str = ""
    client_id: str = ""
    everywhere: bool = False


async def show_new(visit: Visit) -> Response:
    """Ask for access to an org."""
    whole, _ = await visit.projects()
    visit.require(whole.project.name, Target(whole.project.id), Verb.CREATE_CONNECTIONS)
    return _new(visit, whole, Typed(method=Method.SERVICE_APP))


async def create(visit: Visit) -> Response:
    """Store a connection, once the org has accepted its credentials."""
    whole, _ = await visit.projects()
    typed = _typed(visit)
    try:
        draft = OktaConnectionDraft(
            name=typed.name,
            description=typed.description,
            project_id=None if typed.everywhere else whole.project.id,
            instance_url=typed.url,
            credentials=_credentials(visit, typed),
        )
        made = await create_okta_connection(visit.world, visit.caller, draft)
    except (CallerError, OktaError) as error:
        return _new(visit, whole, typed, error)
    return visit.redirect(f"{LIST}/{made.id}", f"Okta accepts {made.name}: it is stored.")


async def show_edit(visit: Visit) -> Response:
    """Ask what is to change of a connection."""
    one = await find_one(visit)
    of = one.of
    typed = Typed(of.name, of.instance_url, of.description or "", of.method, of.client_id or "")
    return _edit(visit, one, typed)


async def edit(visit: Visit) -> Response:
    """Change a connection; other credentials are stored once the org has accepted them."""
    one, typed = await find_one(visit), _typed(visit)
    moved = typed.url != one.of.instance_url
    try:
        change = OktaConnectionChange(
            name=typed.name,
            description=typed.description,
            described=True,
            instance_url=typed.url if moved else None,
            credentials=_credentials(visit, typed) if moved or _says_anew(visit) else None,
        )
        after = await update_okta_connection(visit.world, visit.caller, one.of.id, change)
    except NotFound:
        raise
    except (CallerError, OktaError) as error:
        return _edit(visit, one, typed, error)
    told = "Okta accepts the new credentials: they are used from now on."
    return visit.redirect(f"{LIST}/{after.id}", told if change.credentials else "Saved.")


def _typed(visit: Visit) -> Typed:
    said = visit.said
    return Typed(
        said("name"),
        said("url"),
        said("description"),
        said("method"),
        said("client_id"),
        said("scope") == "organization",
    )


def _says_anew(visit: Visit) -> bool:
    return bool(visit.said("token") or visit.said("key"))


def _credentials(visit: Visit, typed: Typed) -> OktaCredentials:
    """Return the credentials of a form. Raises InvalidInput for what cannot be any."""
    if typed.method != Method.SERVICE_APP:
        token = visit.said("token")
        if not re.fullmatch(API_TOKEN, token):
            raise InvalidInput(FieldProblem(("apiToken",), TOKEN_RULE))
        return ApiToken(Sensitive(token))
    key, problems = visit.said("key"), []
    if not typed.client_id:
        problems.append(FieldProblem(("clientId",), "must be given"))
    if not 0 < len(key) <= JWK_MAX:
        problems.append(FieldProblem(("privateKey",), KEY_RULE))
    if problems:
        raise InvalidInput(*problems)
    return ServiceApp(typed.client_id, Sensitive(key))


def _told(error: KeyturnError | None, typed: Typed) -> list[tuple[str, str]]:
    """Return what an error says, at the field that it is most likely about."""
    if isinstance(error, AddressRefused):
        return [("url", error.message)]
    if isinstance(error, OktaError):
        return [("key" if typed.method == Method.SERVICE_APP else "token", error.message)]
    told = told_of(error, FIELDS) if isinstance(error, CallerError) else ()
    at = "key" if typed.method == Method.SERVICE_APP else "token"
    return [(at if name == "token" else name, text) for name, text in told]


def _new(visit: Visit, whole: Whole, typed: Typed, error: KeyturnError | None = None) -> Response:
    words = ["keyturn", "connection", "okta", "add", "--name", typed.name or "NAME"]
    words += ["--url", typed.url or "https://example.okta.com", "--project", whole.project.slug]
    key = ["--client-id", typed.client_id or "ID", "--private-jwk-file", "FILE"]
    words += key if typed.method == Method.SERVICE_APP else ["--token-stdin"]
    return visit.render(
        "connections/okta/form.html",
        status=status_of(error) if error else 200,
        problems=_told(error, typed),
        one=None,
        typed=typed,
        methods=METHODS,
        whole=whole,
        wide=visit.may(Verb.CREATE_CONNECTIONS),
        command=shlex.join(words),
    )


def _edit(visit: Visit, one: OneOkta, typed: Typed, error: KeyturnError | None = None) -> Response:
    one.require(Verb.EDIT_CONNECTIONS)
    key = ("--client-id", typed.client_id or "ID", "--private-jwk-file", "FILE")
    given = key if typed.method == Method.SERVICE_APP else ("--token-stdin",)
    return visit.render(
        "connections/okta/form.html",
        status=status_of(error) if error else 200,
        problems=_told(error, typed),
        one=one,
        typed=typed,
        methods=METHODS,
        whole=None,
        wide=False,
        command=one.command("connection", "okta", "update", "...", *given),
    )


ROUTES: Final = (
    page(f"{LIST}/new", show_new),
    action(f"{LIST}/new", create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
)
