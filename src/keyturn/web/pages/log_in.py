"""Logging in and out: by a password, or by an access token."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.errors import CallerError, Unauthenticated
from keyturn.domain.sensitive import Sensitive
from keyturn.services import logins, okta_logins, people
from keyturn.web import sessions
from keyturn.web.ended import LOG_IN
from keyturn.web.menu import HOME
from keyturn.web.problems import status_of
from keyturn.web.routing import action, open_action, open_page
from keyturn.web.visiting import Visit, inside

TOKEN_LASTS_S: Final = 43_200
"""How long a browser keeps a token that was brought; the token's own end may come before."""


async def show(visit: Visit) -> Response:
    """Ask who it is."""
    after = inside(visit.query.get("after", HOME))
    if visit.known:
        return visit.redirect(after)
    return ask(visit, after)


def ask(
    visit: Visit, after: str, error: str = "", *, email: str = "", status: int = 200
) -> Response:
    """Ask who it is, where need be once more and with what was wrong."""
    return visit.render(
        "log_in.html",
        status=status,
        after=after,
        email=email,
        error=error,
        by_okta=okta_logins.offered(visit.world),
    )


async def log_in(visit: Visit) -> Response:
    """Log in by e-mail address and password."""
    email, password = visit.said("email"), Sensitive(str(visit.form.get("password", "")))
    try:
        logged = await people.log_in_person(visit.world, email, password, address=visit.address)
    except CallerError as error:
        return _again(visit, error)
    return _logged_in(visit, logged.access_token, logged.expires_in_s)


async def log_in_by_token(visit: Visit) -> Response:
    """Log in by an access token that somebody has already."""
    token = Sensitive(visit.said("token"))
    try:
        await logins.authenticate(visit.world, token, address=visit.address)
    except Unauthenticated as error:
        return _again(visit, error)
    return _logged_in(visit, token, TOKEN_LASTS_S)


async def log_out(visit: Visit) -> Response:
    """End the session here and at the server; a token that was brought stays good elsewhere."""
    session = visit.session
    if session and (await logins.read_token(visit.world, session)).caller.in_person:
        await logins.revoke(visit.world, session)
    gone = visit.redirect(LOG_IN, "You are logged out.")
    sessions.forget(gone, secure=visit.house.secure)
    return gone


def _logged_in(visit: Visit, token: Sensitive, lasts_s: int) -> Response:
    come = visit.redirect(inside(visit.said("after", HOME)))
    sessions.keep(come, token, lasts_s=lasts_s, secure=visit.house.secure)
    return come


def _again(visit: Visit, error: CallerError) -> Response:
    after, email = inside(visit.said("after", HOME)), visit.said("email")
    return ask(visit, after, error.message, email=email, status=status_of(error))


ROUTES: Final = (
    open_page(LOG_IN, show),
    open_action(LOG_IN, log_in),
    open_action(f"{LOG_IN}/token", log_in_by_token),
    action("/log-out", log_out),
)
