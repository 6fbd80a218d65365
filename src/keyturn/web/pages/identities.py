"""One identity: what it holds, by what it logs in, and how either is changed."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, NotFound, Refused
from keyturn.domain.identity import AuthMethod
from keyturn.domain.sensitive import Sensitive
from keyturn.services import identity_changes, memberships, people, token_auth, universal_auth
from keyturn.services.memberships import Asked
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.access import ACCESS, roles_of, show_once
from keyturn.web.problems import status_of
from keyturn.web.routing import Handler, action, page
from keyturn.web.visiting import Visit

ONE: Final = f"{ACCESS}/identities/{{identity_id}}"


async def show(visit: Visit) -> Response:
    """Show one identity."""
    return await _shown(visit)


async def give_role(visit: Visit) -> Response:
    """Let it hold a role in a project, beside those that it holds there."""
    asked, role = Asked(visit.said("project"), _id(visit)), visit.said("role")
    try:
        held = (await memberships.read_member(visit.world, visit.caller, asked)).memberships
        roles = [*(each.role for each in held if each.group is None), role]
        await memberships.change_member(
            visit.world, visit.caller, asked, list(dict.fromkeys(roles))
        )
    except NotFound:
        await memberships.add_member(visit.world, visit.caller, asked, [role])
    return visit.redirect(_here(visit), f"It holds the role {role} in {asked.project} now.")


async def hold_everywhere(visit: Visit) -> Response:
    """Set the role that it holds in every project, or none."""
    world, caller, role = visit.world, visit.caller, visit.said("role")
    await identity_changes.update_identity(world, caller, _id(visit), role=role)
    told = f"It holds the role {role} everywhere now." if role else "It holds no role everywhere."
    return visit.redirect(_here(visit), told)


async def take_roles(visit: Visit) -> Response:
    """Take every role in a project from it."""
    asked = Asked(visit.said("project"), _id(visit))
    await memberships.remove_member(visit.world, visit.caller, asked)
    return visit.redirect(_here(visit), f"It holds no role in {asked.project} any more.")


async def create_secret(visit: Visit) -> Response:
    """Make a client secret by which it logs in, and show that once."""
    world, caller, identity_id = visit.world, visit.caller, _id(visit)
    view = await identity_changes.read_identity(world, caller, identity_id)
    if AuthMethod.UNIVERSAL not in view.methods:
        rules = universal_auth.Rules()
        await universal_auth.configure_universal_auth(world, caller, identity_id, rules)
    auth = await universal_auth.read_universal_auth(world, caller, identity_id)
    described = visit.said("description")
    _, value = await universal_auth.create_client_secret(
        world, caller, identity_id, description=described
    )
    return show_once(visit, view.identity.name, auth.client_id, value)


async def revoke_secret(visit: Visit) -> Response:
    """End a client secret, and every log-in by it."""
    secret_id = visit.said("secret")
    await universal_auth.revoke_client_secret(visit.world, visit.caller, _id(visit), secret_id)
    return visit.redirect(_here(visit), "The client secret is good for nothing now.")


async def revoke_token(visit: Visit) -> Response:
    """End a token."""
    await token_auth.revoke_token(visit.world, visit.caller, visit.said("token"))
    return visit.redirect(_here(visit), "The token is good for nothing now.")


async def unlock(visit: Visit) -> Response:
    """End a lockout."""
    await universal_auth.clear_lockout(visit.world, visit.caller, _id(visit))
    return visit.redirect(_here(visit), "It is not locked out.")


async def set_password(visit: Visit) -> Response:
    """Set a person's password anew; whoever was logged in by the old one is no longer."""
    password = Sensitive(str(visit.form.get("password", "")))
    try:
        await people.set_password(visit.world, visit.caller, _id(visit), password)
    except CallerError as error:
        return await _shown(visit, error)
    return visit.redirect(_here(visit), "The password is set. Tell the person on a safe way.")


async def confirm_deletion(visit: Visit) -> Response:
    """Say what goes with it, and ask for its name."""
    return await _asked(visit)


async def delete(visit: Visit) -> Response:
    """Delete it, once its name was typed."""
    view = await identity_changes.read_identity(visit.world, visit.caller, _id(visit))
    if visit.said("confirm") != view.identity.name:
        return await _asked(visit, Refused(f"Type {view.identity.name} to delete it."))
    await identity_changes.delete_identity(visit.world, visit.caller, _id(visit))
    return visit.redirect(ACCESS, f"{view.identity.name} is deleted.")


async def _asked(visit: Visit, error: CallerError | None = None) -> Response:
    view = await identity_changes.read_identity(visit.world, visit.caller, _id(visit))
    visit.require(view.identity.name, ABOVE, Verb.EDIT_IDENTITIES)
    return visit.render(
        "access/delete.html",
        status=status_of(error) if error else 200,
        identity=view.identity,
        here=_here(visit),
        error=error.message if error else "",
    )


async def _shown(visit: Visit, error: CallerError | None = None) -> Response:
    world, caller, identity_id = visit.world, visit.caller, _id(visit)
    view = await identity_changes.read_identity(world, caller, identity_id)
    _, projects = await visit.projects()
    by_secret = AuthMethod.UNIVERSAL in view.methods
    return visit.render(
        "access/identity.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        view=view,
        here=_here(visit),
        places=[(each.project.slug, each.project.name) for each in projects],
        everywhere=next((each.role for each in view.memberships if each.project_id is None), ""),
        project_names={each.project.id: each.project.slug for each in projects},
        roles=await roles_of(visit),
        edits=visit.may(Verb.EDIT_IDENTITIES),
        auth=await universal_auth.read_universal_auth(world, caller, identity_id)
        if by_secret
        else None,
        secrets=await universal_auth.list_client_secrets(world, caller, identity_id)
        if by_secret
        else (),
        tokens=await token_auth.list_tokens(world, caller, identity_id),
        logs_in_by_password=AuthMethod.PASSWORD in view.methods,
    )


def _id(visit: Visit) -> str:
    return visit.given("identity_id")


def _here(visit: Visit) -> str:
    return f"{ACCESS}/identities/{_id(visit)}"


ORDERS: Final[tuple[tuple[str, Handler], ...]] = (
    ("roles", give_role),
    ("everywhere", hold_everywhere),
    ("roles/take", take_roles),
    ("secrets", create_secret),
    ("secrets/revoke", revoke_secret),
    ("tokens/revoke", revoke_token),
    ("unlock", unlock),
    ("password", set_password),
    ("delete", delete),
)
ROUTES: Final = (
    page(ONE, show),
    page(f"{ONE}/delete", confirm_deletion),
    *(action(f"{ONE}/{path}", order) for path, order in ORDERS),
)
