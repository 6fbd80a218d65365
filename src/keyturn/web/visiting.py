"""One request for a page: who asks, what the form says, and the answers that it can have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import Forbidden, Unauthenticated
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate, logins
from keyturn.services.ports import World
from keyturn.services.projects import Whole, list_projects
from keyturn.web import sessions
from keyturn.web.house import STATE, House
from keyturn.web.live import Following, Look
from keyturn.web.menu import ABOVE, HOME, PARTS, MenuItem, menu_of
from keyturn.web.rendering import HEADERS, ShownOnce, answer

TOLD: Final = "keyturn_told"
TOLD_S: Final = 60
NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass
class Visit:
    """A request, the house that it comes to, and who is logged in."""

    request: Request
    house: House
    session: Sensitive | None = None
    known: Caller | None = None
    form: FormData = field(default_factory=FormData)
    _projects: Sequence[Whole] = field(default=(), init=False)

    @property
    def world(self) -> World:
        """Return what pages read and change."""
        return self.house.world

    @property
    def caller(self) -> Caller:
        """Return who is logged in. Raises Unauthenticated."""
        if self.known is None:
            raise Unauthenticated
        return self.known

    @property
    def query(self) -> QueryParams:
        """Return the query."""
        return self.request.query_params

    @property
    def path(self) -> str:
        """Return the path that was asked for."""
        found: str = self.request.scope["path"]
        return found

    @property
    def address(self) -> str:
        """Return the IP address that the request comes from, empty where it has none."""
        return self.request.client.host if self.request.client else ""

    def given(self, name: str) -> str:
        """Return a path's parameter."""
        found: str = self.request.path_params[name]
        return found

    def said(self, name: str, default: str = "") -> str:
        """Return a field of the form without the spaces around it."""
        found = self.form.get(name, default)
        return found.strip() if isinstance(found, str) else default

    async def log_in(self) -> None:
        """Find who the session proves. Raises Unauthenticated."""
        if self.session is None:
            raise Unauthenticated
        self.known = await logins.authenticate(self.world, self.session, address=self.address)
        self.request.state.caller_id = self.known.id

    @property
    def menu(self) -> Sequence[MenuItem]:
        """Return the ways to what whoever is logged in may open; one at least."""
        return menu_of(self.caller, self.path, sandboxed=self.house.sandbox is not None)

    def may(self, verb: str, target: Target = ABOVE) -> bool:
        """Say whether they may do something; above all projects where none is said."""
        return self.known is not None and gate.may(self.known, Verb(verb), target)

    def require(self, what: str, target: Target, *verbs: Verb) -> None:
        """Raise Forbidden where whoever is logged in may not do all of this with something.

        What is done passes the gate all the same: this spares them a form that leads nowhere.
        """
        for verb in verbs:
            if not self.may(verb, target):
                told = f"It takes the permission {verb} for {what}, which no role of yours gives."
                raise Forbidden(told)

    async def projects(self) -> tuple[Whole, Sequence[Whole]]:
        """Return the project that the page is of, and all that could be chosen.

        It is the one that the query names by slug or id, or else the first. Raises Unauthenticated.
        """
        if not self._projects:  # looked up, and put on record, once for a page
            self._projects = await list_projects(self.world, self.caller)
        every = self._projects
        wanted = self.query.get("project") or self.said("project")
        for whole in every:
            if wanted in (whole.project.slug, whole.project.id):
                return whole, every
        return every[0], every

    def render(
        self,
        template: str,
        context: Mapping[str, object] = NOTHING,
        /,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> Response:
        """Answer with a page made of a template."""
        told = {} if status < HTTPStatus.BAD_REQUEST else {"told": None}  # of what went well
        text = self.text(template, context, status=status, **more, **told)
        shown = answer(text, status=status, headers=headers)
        if TOLD in self.request.cookies and not told:
            shown.delete_cookie(TOLD, path="/")
        return shown

    def show_once(self, template: str, **context: object) -> Response:
        """Answer with a page that shows a value this once."""
        return ShownOnce(self.text(template, context))

    def text(
        self, template: str, context: Mapping[str, object] = NOTHING, /, **more: object
    ) -> str:
        """Return what a template makes of this visit, for a page or for a part of one."""
        return self.house.templates.render(template, {**self._facts(), **context, **more})

    def redirect(self, path: str, told: str = "") -> Response:
        """Have the browser load another page, which then says what was done."""
        gone = RedirectResponse(path, 303, HEADERS)
        if told:
            gone.set_cookie(
                TOLD,
                quote(told),
                max_age=TOLD_S,
                path="/",
                httponly=True,
                samesite="lax",
                secure=self.house.secure,
            )
        return gone

    def lead_away(self, address: str) -> Response:
        """Send the browser on to somebody else's page, which a form of ours may not lead to.

        The policy of a page holds its forms to our own site, on the way that they are redirected,
        too; a page that goes on by itself is free to.
        """
        headers = {"Refresh": f"0; url={address}", "Referrer-Policy": "no-referrer"}
        return self.render("away.html", headers=headers, address=address)

    def follow(self, look: Look) -> Response:
        """Answer with a stream of a part of the page, sent anew whenever it has changed."""

        async def permitted() -> str:
            await self.log_in()  # a log-out ends it
            return await look()

        return Following(self.house.watchers, self.caller.id, permitted, self.world.clock)

    def _facts(self) -> dict[str, Any]:
        return {
            "visit": self,
            "caller_name": self.known.name if self.known else None,
            "menu": self.menu if self.known else (),
            "parts": PARTS,
            "form_token": self.form_token(),
            "told": unquote(self.request.cookies.get(TOLD, "")) or None,
            "now": self.world.clock.now(),
            "path": self.path,
            "sandboxed": self.house.sandbox is not None,
            "version": self.house.version,
        }

    def form_token(self) -> str:
        """Return a proof for a form of this visit's session; empty without one."""
        if self.session is None:
            return ""
        return sessions.form_token(self.session, self.world.chance.random_bytes(32))


def visit_of(request: Request) -> Visit:
    """Begin a visit: nobody is known yet."""
    house: House = getattr(request.app.state, STATE)
    return Visit(request, house, sessions.session_of(request, secure=house.secure))


def inside(path: str) -> str:
    """Return a path if it leads to a page of ours, or else the way home."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    ours = (
        path.startswith("/")
        and not path.startswith("//")
        and not (parts.scheme or parts.netloc or "\\" in path)
    )
    return path if ours and path.isprintable() else HOME
