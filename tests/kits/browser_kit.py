"""A person's browser without a window: it follows redirects, keeps cookies and fills in forms."""

import html.parser
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

MOST_PAGES = 12
TYPED = {"text", "password", "email", ""}
PERSON = {"login": "alice", "username": "alice", "password": "any", "allow": "Authorize"}
"""What is typed and pressed by somebody who agrees to everything."""


@dataclass
class Form:
    """A form of a page: where it goes, and what is in it from the start."""

    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)

    def fill(self, told: Mapping[str, str]) -> dict[str, str]:
        """Return what is sent: a field as told, or else as it is; a button only where told."""
        typed = {name: told.get(name, value) for name, value in self.typed.items()}
        pressed = {name: value for name, value in self.buttons.items() if name in told}
        return self.hidden | typed | pressed


class _Reader(html.parser.HTMLParser):
    """Finds the first form of a page."""

    form: Form | None = None
    inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin the form, or add a field to it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            self.form, self.inside = Form(given.get("action", ""), given.get("method", "get")), True
        if self.form and self.inside and tag in {"input", "button"} and given.get("name"):
            self._add(self.form, given)

    def _add(self, form: Form, given: Mapping[str, str]) -> None:
        kind = given.get("type", "")
        fields = form.typed if kind in TYPED else form.buttons
        (form.hidden if kind == "hidden" else fields)[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """End the form."""
        self.inside = self.inside and tag != "form"


def read_form(page: str) -> Form | None:
    """Return the first form of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.form


@dataclass(frozen=True)
class Browser:
    """One person's browser; ``told`` is what they type, and which buttons they press, by name."""

    http: httpx2.AsyncClient
    told: Mapping[str, str] = field(default_factory=lambda: PERSON)

    async def visit(self, address: str, until: str = "") -> str:
        """Go on from an address until one that begins with ``until``, which is not gone to.

        Without one, go on to a page that has no form, and return its address. A page that says
        that something is wrong is a failure.
        """
        request = self.http.build_request("GET", address)
        for _ in range(MOST_PAGES):
            answer = await self.http.send(request, follow_redirects=False)
            following = self._follow(answer)
            if following is None:
                assert answer.is_success, (answer.status_code, answer.text)
                return str(answer.url)
            if until and str(following.url).startswith(until):
                return str(following.url)
            request = following
        raise AssertionError("one page leads to the next, and none to the end")

    def _follow(self, answer: httpx2.Response) -> httpx2.Request | None:
        """Return what a browser asks for next, if anything."""
        if answer.is_redirect:
            return self.http.build_request(
                "GET", urljoin(str(answer.url), answer.headers["location"])
            )
        form = read_form(answer.text)
        if form is None:
            return None
        action = urljoin(str(answer.url), form.action)
        return self.http.build_request(form.method.upper(), action, data=form.fill(self.told))


def query(address: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
