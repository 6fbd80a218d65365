"""Somebody consents to a connection, in this browser or at another device; tokens are renewed."""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from keyturn.domain.errors import AddressRefused, CallerError, NotFound, Refused, ServerError
from keyturn.domain.oauth.authorization import LIFETIME, AuthorizationRequest
from keyturn.domain.oauth.provider import URL
from keyturn.domain.oauth.redirects import COOKIE, COOKIE_PATH, callback_uri
from keyturn.domain.sensitive import Sensitive
from keyturn.services.authorizing import begin_authorization
from keyturn.services.devices import ask_device, begin_device
from keyturn.services.oauth_connections import (
    ConnectionView,
    Wanted,
    authorize_request,
    read_connection,
)
from keyturn.services.registrations import prove_registration
from keyturn.web.lights import SECRETS
from keyturn.web.pages.connections import ONE, show_one, subject_of
from keyturn.web.routing import action
from keyturn.web.visiting import Visit

FAULTS: Final = (CallerError, ServerError)
"""What may come of asking an authorization server, and is told on the connection's own page."""
NO_REFERRER: Final = {"Referrer-Policy": "no-referrer"}
CODE: Final = r"[ -~]{1,256}"
PORTS: Final = {"http": 80, "https": 443}
NAMED: Final = 5
"""As many scopes are named in a line."""


async def authorize(visit: Visit) -> Response:
    """Send the browser to the authorization server, bound to what it brings back."""
    connection_id, back = visit.given("connection_id"), callback_uri(visit.house.public_url)
    try:
        _require_way_back(visit)
        begun = await begin_authorization(
            visit.world, visit.caller, connection_id, redirect_uri=back
        )
    except NotFound:
        raise
    except FAULTS as error:
        return await show_one(visit, error)
    address = begun.address.reveal()
    if begun.ungranted:
        view = await read_connection(visit.world, visit.caller, connection_id)
        away = visit.render(
            "connections/ungranted.html",
            headers=NO_REFERRER,
            one=subject_of(visit, view),
            ungranted=begun.ungranted,
            address=address,
        )
    else:
        away = visit.lead_away(address)
    bind(visit, away, begun.binding)
    return away


def bind(visit: Visit, away: Response, binding: Sensitive) -> None:
    """Have the browser keep what its answer has to come with."""
    away.set_cookie(
        COOKIE,
        binding.reveal(),
        max_age=int(LIFETIME.total_seconds()),
        path=COOKIE_PATH,
        secure=visit.house.secure,
        httponly=True,
        samesite="lax",
    )


def _require_way_back(visit: Visit) -> None:
    """Raise Refused where this browser would come back to another host, without its cookie."""
    public, host = visit.house.public_url, visit.request.headers.get("host", "")
    here = f"{public.partition('://')[0]}://{host}"
    if public and _host(public) != _host(here):
        raise Refused(f"Browsers come back to {public}: open this page there, and authorize there.")


def _host(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or PORTS[parts.scheme]


async def begin_at_device(visit: Visit) -> Response:
    """Show the code that somebody enters at another device."""
    connection_id = visit.given("connection_id")
    try:
        begun = await begin_device(visit.world, visit.caller, connection_id)
    except NotFound:
        raise
    except FAULTS as error:
        return await show_one(visit, error)
    start = begun.start
    told = {"code": start.user_code, "address": start.address, "complete": start.complete}
    return await _waiting(visit, begun.request, told)


async def ask_at_device(visit: Visit) -> Response:
    """Ask what somebody has decided at the other device, and wait on while they have not."""
    connection_id, request_id = visit.given("connection_id"), visit.given("request_id")
    try:
        found = await ask_device(visit.world, visit.caller, connection_id, request_id)
    except (NotFound, Refused) as error:
        return _on(visit, error.message)
    except FAULTS as error:
        return await show_one(visit, error)
    if isinstance(found, AuthorizationRequest):
        return await _waiting(visit, found, _told_again(visit))
    return _on(visit, granted(found))


def _told_again(visit: Visit) -> dict[str, str]:
    """Return what the page said before, which nothing here keeps; only what can be shown of it."""
    code, urls = visit.said("code"), [visit.said(name) for name in ("address", "complete")]
    if not re.fullmatch(CODE, code) or not all(re.fullmatch(f"({URL})?", url) for url in urls):
        raise Refused("This is not what the page said: begin the authorization again.")
    return {"code": code, "address": urls[0], "complete": urls[1]}


async def _waiting(visit: Visit, request: AuthorizationRequest, told: dict[str, str]) -> Response:
    view = await read_connection(visit.world, visit.caller, request.connection_id)
    return visit.render(
        "connections/device.html",
        headers=NO_REFERRER,
        one=subject_of(visit, view),
        request=request,
        told_at_first=told,
    )


def _on(visit: Visit, told: str) -> Response:
    """Lead to the connection's page; a script that asks in the background is told where to go."""
    answer = visit.redirect(f"/connections/{visit.given('connection_id')}", told)
    if "hx-request" in visit.request.headers:
        answer.headers["HX-Redirect"] = answer.headers["location"]
        answer.status_code = HTTPStatus.OK
    return answer


def granted(view: ConnectionView) -> str:
    """Say what came of a consent."""
    told, lacking = f"{view.connection.name} is authorized.", view.lacking
    if not lacking:
        return f"{told} Everything that it asks for was granted."
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    return f"{told} Not granted: {', '.join(lacking[:NAMED])}{more}."


async def renew(visit: Visit) -> Response:
    """Renew the tokens, for everybody who uses them, and say which are used now."""
    connection_id = visit.given("connection_id")
    view = await read_connection(visit.world, visit.caller, connection_id)
    before = view.connection.tokens
    wanted = Wanted(refused=before.number if before else None)
    try:
        found = await authorize_request(visit.world, visit.caller, connection_id, wanted)
    except NotFound:
        raise
    except (AddressRefused, ServerError) as error:
        return await show_one(visit, error)
    if before and found.number == before.number:
        told = "They are younger than 30 seconds, and used on."
    elif found.number:
        told = f"Renewed: token set {found.number} is used from now on."
    else:
        told = "A request could be authorized."
    return visit.redirect(f"/connections/{connection_id}", told)


async def prove(visit: Visit) -> Response:
    """Have the server asked whether it accepts the client's secret."""
    connection_id = visit.given("connection_id")
    view = await read_connection(visit.world, visit.caller, connection_id)
    try:
        after = await prove_registration(visit.world, visit.caller, view.registration.id)
    except ServerError as error:
        return await show_one(visit, error)
    standing = SECRETS[after.registration.standing]
    told = f"The client secret, version {after.version}: {standing.text.lower()}."
    return visit.redirect(f"/connections/{connection_id}", told)


ROUTES: Final = (
    action(f"{ONE}/authorize", authorize),
    action(f"{ONE}/device", begin_at_device),
    action(f"{ONE}/device/{{request_id}}", ask_at_device),
    action(f"{ONE}/renew", renew),
    action(f"{ONE}/prove", prove),
)
