"""Logging in with Okta: the browser goes there, and comes back with an answer."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Caller
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.authorization import LIFETIME
from keyturn.domain.sensitive import Sensitive
from keyturn.services import logins, okta_logins
from keyturn.web import sessions
from keyturn.web.ended import LOG_IN
from keyturn.web.menu import HOME
from keyturn.web.pages.log_in import ask
from keyturn.web.problems import status_of
from keyturn.web.routing import action, open_action, open_page
from keyturn.web.visiting import Visit, inside

HERE: Final = f"{LOG_IN}/okta"
CALLBACK: Final = f"{HERE}/callback"
COOKIE: Final = "keyturn_log_in"


async def begin(visit: Visit) -> Response:
    """Send the browser to Okta."""
    return await _sent(visit)


async def begin_again(visit: Visit) -> Response:
    """Send the browser to Okta to have its person asked anew, before something is shown."""
    return await _sent(visit, visit.caller)


async def come_back(visit: Visit) -> Response:
    """Take Okta's answer, and let in who it proves."""
    binding = Sensitive(visit.request.cookies.get(COOKIE, ""))
    try:
        entered = await okta_logins.complete_log_in(
            visit.world, dict(visit.query), binding=binding, address=visit.address
        )
    except KeyturnError as error:
        return ask(visit, HOME, error.message, status=status_of(error))
    if entered.again and visit.session:
        await logins.revoke(visit.world, visit.session)
    come = visit.redirect(inside(entered.after))
    lasts_s = entered.logged_in.expires_in_s
    sessions.keep(come, entered.logged_in.access_token, lasts_s=lasts_s, secure=visit.house.secure)
    come.delete_cookie(COOKIE, path=HERE)
    return come


async def _sent(visit: Visit, again: Caller | None = None) -> Response:
    after, url = inside(visit.said("after", HOME)), visit.house.public_url
    begun = await okta_logins.begin_log_in(
        visit.world, redirect_uri=f"{url}{CALLBACK}" if url else "", after=after, again=again
    )
    away = visit.lead_away(begun.address.reveal())
    away.set_cookie(
        COOKIE,
        begun.binding.reveal(),
        max_age=int(LIFETIME.total_seconds()),
        path=HERE,
        secure=visit.house.secure,
        httponly=True,
        samesite="lax",
    )
    return away


ROUTES: Final = (
    open_action(HERE, begin),
    action(f"{HERE}/again", begin_again),
    open_page(CALLBACK, come_back),
)
