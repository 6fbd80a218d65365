"""The status page's doors: who may see it, and what its forms do.

The control token opens it once in the address; from then on a cookie does, which opens nothing but
the page. Only this machine is answered, under a name that only this machine has, and a form needs
what only the page itself holds.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode

from keyturn.sandbox.controls.behaviour import change_clock, parse_fault
from keyturn.sandbox.controls.operation import refuse_unknown
from keyturn.sandbox.fleet import Fleet
from keyturn.sandbox.http import Answer, Header, Json, Request, render_html
from keyturn.sandbox.pages.status_view import render_page
from keyturn.sandbox.routes import ROUTES
from keyturn.sandbox.routing import Router
from keyturn.sandbox.state.org import Org

COOKIE = "keyturn_sandbox"
SHOWN = 40
POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: tuple[Header, ...] = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
)


class StatusPage:
    """What a person sees of the orgs."""

    def __init__(self, fleet: Fleet, token: str) -> None:
        self._fleet, self._token = fleet, token
        self._cookie, self._form_token = self._derive("cookie"), self._derive("form")

    def answers(self, request: Request) -> bool:
        """Tell whether a request without the control token is one for the page."""
        path = request.path
        return path in ("/", "/page.css") or (path.startswith("/orgs/") and "/page" in path)

    def answer(self, request: Request) -> Answer:
        """Return the page, the outcome of one of its forms, or a refusal."""
        if not _is_local(request):
            return _refuse("This page is only for this machine.")
        if request.path == "/page.css":
            return Answer(200, _stylesheet(), HEADERS, "text/css;charset=utf-8")
        if hmac.compare_digest(request.query.get("token", "").encode(), self._token.encode()):
            return self._let_in(request)
        if not hmac.compare_digest(_cookie(request), self._cookie.encode()):
            return _refuse("Open this page with ?token= and the control token in the address.")
        return self._show(request) if request.method == "GET" else self._submit(request)

    def _let_in(self, request: Request) -> Answer:
        _, port = _host(request)
        cookie = f"{COOKIE}_{port}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"
        return _go("/", ("set-cookie", cookie))

    def _show(self, request: Request) -> Answer:
        name = next(iter(self._fleet))
        if request.path != "/":
            name = request.path.split("/")[2]
        org = self._fleet.get(name)
        if org is None:
            return render_html("<p>There is no such org.</p>", 404)
        note = request.query.get("note", "")
        page = render_page(org, [*self._fleet], name, self._form_token, note)
        return Answer(200, page.encode(), HEADERS, "text/html;charset=utf-8")

    def _submit(self, request: Request) -> Answer:
        form = request.form()
        given = form.pop("form_token", "").encode()
        match = _FORMS.match("POST", request.path)
        org = self._fleet.get(match.params.get("name", ""))
        if not hmac.compare_digest(given, self._form_token.encode()) or org is None:
            return _refuse("This form is not from this page: reload the page.")
        note = ""
        try:
            if match.route is not None:
                match.route.perform(org, match.params, form)
        except ValueError as error:
            note = "?" + urlencode({"note": str(error)})
        return _go(f"/orgs/{match.params['name']}/page{note}")

    def _derive(self, purpose: str) -> str:
        return hmac.digest(self._token.encode(), purpose.encode(), "sha256").hex()


# --- forms --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    """One form of the page and what it does."""

    pattern: str
    perform: Callable[[Org, Mapping[str, str], Mapping[str, str]], None]
    method: str = "POST"


def _turn_clock(org: Org, params: Mapping[str, str], form: Mapping[str, str]) -> None:
    change_clock(org, _read_fields(form, _CLOCK_FIELDS))


def _add_fault(org: Org, params: Mapping[str, str], form: Mapping[str, str]) -> None:
    org.add_fault(parse_fault(_read_fields(form, _FAULT_FIELDS)))


def _lift_fault(org: Org, params: Mapping[str, str], form: Mapping[str, str]) -> None:
    if params["faultId"] not in [fault["id"] for fault in org.list_faults()]:
        raise ValueError("This fault was lifted already.")
    org.remove_fault(params["faultId"])


def _read_fields(
    form: Mapping[str, str], known: Mapping[str, Callable[[str], Json]]
) -> dict[str, Json]:
    """Return the fields that were filled in; ValueError for an unknown or an odd one."""
    refuse_unknown(form, *known)
    read: dict[str, Json] = {}
    for name, text in form.items():
        try:
            read |= {name: known[name](text)} if text.strip() else {}
        except ValueError as error:
            raise ValueError(f"{name} cannot be {text[:SHOWN]!r}.") from error
    return read


def _parse_route(text: str) -> str:
    if text not in {"*", *(route.pattern for route in ROUTES)}:
        raise ValueError("no such route")
    return text


_CLOCK_FIELDS: dict[str, Callable[[str], Json]] = {
    "advance_s": float,
    "rate": float,
    "real": bool,
}
_FAULT_FIELDS: dict[str, Callable[[str], Json]] = {
    "kind": str,
    "route": _parse_route,
    "method": str,
    "when": str,
    "skip": int,
    "count": int,
    "status": int,
    "probability": float,
    "seconds": float,
}


_FORMS: Router[_Form] = Router(
    (
        _Form("/orgs/{name}/page/clock", _turn_clock),
        _Form("/orgs/{name}/page/faults", _add_fault),
        _Form("/orgs/{name}/page/faults/{faultId}/lift", _lift_fault),
    )
)


# --- who asks -----------------------------------------------------------------------------------


def _is_local(request: Request) -> bool:
    """Tell whether the caller is this machine, and calls us by a name nobody else can give us."""
    name, _ = _host(request)
    named = name in ("127.0.0.1", "localhost") or name.endswith(".localhost")
    return named and request.client_ip == "127.0.0.1"


def _host(request: Request) -> tuple[str, str]:
    """Return name and port by which we are called; browsers share cookies between ports."""
    name, _, port = request.base_url.partition("://")[2].partition(":")
    return name.lower(), port if port.isdecimal() else "80"


def _cookie(request: Request) -> bytes:
    _, port = _host(request)
    pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
    return next((value for name, _, value in pairs if name == f"{COOKIE}_{port}"), "").encode()


def _go(where: str, *headers: Header) -> Answer:
    return Answer(303, b"", (*HEADERS, ("location", where), *headers))


def _refuse(reason: str) -> Answer:
    page = f"<!doctype html><title>Keyturn sandbox</title><p>{reason}</p>"
    return Answer(403, page.encode(), HEADERS, "text/html;charset=utf-8")


@cache
def _stylesheet() -> bytes:
    return (files("keyturn.sandbox.pages") / "page.css").read_bytes()
