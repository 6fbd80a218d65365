"""Who may log in, what they hold, and why somebody may or may not."""

import shlex
from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput, KeyturnError
from keyturn.domain.sensitive import Sensitive
from keyturn.services import identity_changes, people, universal_auth
from keyturn.services.explanations import Explanation, Question, explain_access
from keyturn.services.roles import list_roles
from keyturn.web.faults import told_of
from keyturn.web.menu import ACCESS as PART
from keyturn.web.problems import status_of
from keyturn.web.proving import Way, way_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

ACCESS: Final = "/access"
UNLIKE: Final = "Both entries have to be the same new password."


async def show(visit: Visit) -> Response:
    """List everybody who may log in; who may not see that is led to what they may see."""
    if not visit.may(Verb.READ_IDENTITIES):
        return visit.redirect(PART.tabs(visit.caller)[0][1])
    return await _shown(visit)


async def create_person(visit: Visit) -> Response:
    """Make an account for a person."""
    email, role = visit.said("email"), visit.said("role")
    password = Sensitive(str(visit.form.get("password", "")))
    try:
        await people.create_person(visit.world, visit.caller, email, password, role=role)
    except CallerError as error:
        return await _shown(visit, error, form="person")
    return visit.redirect(ACCESS, f"{email} can log in now.")


async def create_identity(visit: Visit) -> Response:
    """Make a machine's identity with a client secret, and show that once."""
    world, caller, name = visit.world, visit.caller, visit.said("name")
    try:
        made = await identity_changes.create_identity(world, caller, name, role=visit.said("role"))
    except CallerError as error:
        return await _shown(visit, error, form="identity")
    rules = universal_auth.Rules()
    identity_id = made.identity.id
    auth = await universal_auth.configure_universal_auth(world, caller, identity_id, rules)
    _, value = await universal_auth.create_client_secret(world, caller, identity_id)
    return show_once(visit, made.identity.name, auth.client_id, value)


def show_once(visit: Visit, name: str, client_id: str, value: Sensitive) -> Response:
    """Show a client secret that is shown this once."""
    shown = {"name": name, "client_id": client_id, "value": value.reveal()}
    return visit.show_once("access/secret.html", **shown)


async def show_you(visit: Visit) -> Response:
    """Show who is logged in and what they hold."""
    return await _you(visit)


async def change_password(visit: Visit) -> Response:
    """Change one's own password; every log-in by the old one ends, this one too."""
    old, new = (Sensitive(str(visit.form.get(name, ""))) for name in ("old", "new"))
    try:
        if new.reveal() != visit.form.get("again"):
            raise InvalidInput(FieldProblem(("again",), UNLIKE))
        await people.change_own_password(visit.world, visit.caller, old=old, new=new)
    except CallerError as error:
        return await _you(visit, error)
    return visit.redirect("/log-in", "Your password is changed. Log in by the new one.")


async def _you(visit: Visit, error: CallerError | None = None) -> Response:
    by_password = await way_of(visit) is Way.PASSWORD
    words = ("person", "password") if by_password else ("identity", "show")
    return visit.render(
        "access/you.html",
        status=status_of(error) if error else 200,
        holdings=visit.caller.holdings,
        by_password=by_password,
        command=shlex.join(("keyturn", *words, visit.caller.name)),
        problems=told_of(error, {"password": "new"}),
    )


async def explain(visit: Visit) -> Response:
    """Say by which role somebody may do something somewhere, or what keeps them from it."""
    asked = Question(*(visit.query.get(name, "") for name in QUESTION))
    found: Explanation | None = None
    told, status = "", 200
    if asked.identity_id and asked.verb:
        try:
            found = await explain_access(visit.world, visit.caller, asked)
        except KeyturnError as error:
            told, status = error.message, status_of(error)
    return visit.render(
        "access/explain.html",
        status=status,
        asked=asked,
        found=found,
        error=told,
        verbs=[(each.value, each.value) for each in Verb],
        identities=[
            (each.identity.id, each.identity.name)
            for each in await identity_changes.list_identities(visit.world, visit.caller)
        ],
        places=[(each.project.slug, each.project.name) for each in (await visit.projects())[1]],
    )


QUESTION: Final = ("identity", "verb", "project", "environment", "folder", "connection")
"""The fields of a question, in the order in which it takes them."""


async def _shown(visit: Visit, error: CallerError | None = None, *, form: str = "") -> Response:
    world = visit.world
    identities = await identity_changes.list_identities(world, visit.caller)
    _, projects = await visit.projects()
    typed = {name: visit.said(name) for name in ("email", "name", "role")}
    return visit.render(
        "access/list.html",
        status=status_of(error) if error else 200,
        identities=identities,
        project_names={each.project.id: each.project.slug for each in projects},
        roles=await roles_of(visit),
        edits=visit.may(Verb.EDIT_IDENTITIES),
        problems=told_of(error, unique="email"),
        failed=form,
        typed=typed,
    )


async def roles_of(visit: Visit) -> Sequence[tuple[str, str]]:
    """Return the roles that can be given above all projects, for who may see them."""
    if not visit.may(Verb.READ_ROLES):
        return ()
    found = await list_roles(visit.world, visit.caller, None)
    return [(each.role.slug, each.role.name) for each in found]


ROUTES: Final = (
    page(ACCESS, show),
    action(f"{ACCESS}/people", create_person),
    action(f"{ACCESS}/identities", create_identity),
    page(f"{ACCESS}/you", show_you),
    action(f"{ACCESS}/you/password", change_password),
    page(f"{ACCESS}/explain", explain),
)
