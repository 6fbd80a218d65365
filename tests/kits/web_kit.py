"""What the tests of pages share: a house with pages, and somebody who reads and fills in forms.

A visitor is a browser without scripts: it keeps cookies, follows redirects, and sends a form as it
stands on the page, with the button that was pressed. So whatever a test does by it works without
JavaScript.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import unescape
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2
from api_kit import PUBLIC_URL, House, open_house

from keyturn.api.app import build_api
from keyturn.domain.sensitive import Sensitive
from keyturn.services.logins import authenticate
from keyturn.services.people import create_person, log_in_person
from keyturn.services.ports import World
from keyturn.web.app import build_pages
from keyturn.web.sessions import cookie_name

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
TELLING = frozenset({"a", "button", "form", "input", "option", "select", "textarea"})
TAG = re.compile(
    r"""<!--.*?-->|<!doctype[^>]*>
    |<(?P<end>/?)(?P<tag>[a-z][a-z0-9-]*)(?P<given>(?:[^>"']|"[^"]*"|'[^']*')*)>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
ATTRIBUTE = re.compile(r"""(?P<name>[^\s=/>"']+)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s>]+))?""")


@dataclass
class Button:
    """A button of a form: its text, and what it sends and where to."""

    text: str = ""
    name: str = ""
    value: str = ""
    action: str = ""


@dataclass
class Form:
    """A form as a page shows it."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: list[Button] = field(default_factory=list)


class _Reader:
    """What there is on a page: its text, links and forms.

    It reads what templates write, whose tags and attributes are whole, at a fraction of what
    `html.parser` takes, which reads anything: most of what a test of pages did was to read them.
    """

    def __init__(self, html: str) -> None:
        self.text = ""
        self.title = ""
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._pressed: Button | None = None
        self._choice = ""
        self._area: str | None = None
        self._chosen: str | None = None
        self._feed(html)
        self.text = " ".join(self.text.split())

    def _feed(self, html: str) -> None:
        told = 0
        for found in TAG.finditer(html):
            if told < found.start():
                self._hear(unescape(html[told : found.start()]))
            told = found.end()
            if found["end"]:
                self._leave(found["tag"].lower())
            elif found["tag"]:
                self._enter(found["tag"].lower(), found["given"])
        self._hear(unescape(html[told:]))

    def _enter(self, tag: str, said: str) -> None:
        """Note what begins."""
        if tag not in VOID and not said.endswith("/"):
            self._open.append(tag)
        if tag not in TELLING:
            return
        told = (each.groupdict("") for each in ATTRIBUTE.finditer(said))
        given = {each["name"]: unescape(each["value"].strip("\"'")) for each in told}
        if tag == "a":
            self.links.append((given.get("href", ""), ""))
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and (begin := getattr(self, f"_{tag}", None)):
            begin(given)

    def _textarea(self, given: Mapping[str, str]) -> None:
        assert self._form is not None
        self._area = given.get("name", "")
        self._form.names.add(self._area)
        self._form.fields.append((self._area, ""))

    def _select(self, given: Mapping[str, str]) -> None:
        assert self._form is not None
        self._choice, self._chosen = given.get("name", ""), None
        self._form.names.add(self._choice)

    def _option(self, given: Mapping[str, str]) -> None:
        if self._chosen is None or "selected" in given:
            self._chosen = given.get("value", "")

    def _button(self, given: Mapping[str, str]) -> None:
        assert self._form is not None
        if given.get("type", "submit") == "submit":
            name, value = given.get("name", ""), given.get("value", "")
            self._pressed = Button("", name, value, given.get("formaction", ""))
            self._form.buttons.append(self._pressed)

    def _input(self, given: Mapping[str, str]) -> None:
        assert self._form is not None
        kind, name = given.get("type", "text"), given.get("name", "")
        if "disabled" in given or not name:
            return
        self._form.names.add(name)
        if kind in ("checkbox", "radio"):
            if "checked" in given:
                self._form.fields.append((name, given.get("value", "on")))
        elif kind == "submit":
            text = given.get("value", "")
            self._form.buttons.append(Button(text, name, text, given.get("formaction", "")))
        else:
            self._form.fields.append((name, given.get("value", "")))

    def _leave(self, tag: str) -> None:
        """Note what ends."""
        while self._open and self._open.pop() != tag:
            pass
        match tag:
            case "form":
                self._form = None
            case "button":
                self._pressed = None
            case "textarea":
                self._area = None
            case "select" if self._form is not None and self._choice:
                if self._chosen is not None:
                    self._form.fields.append((self._choice, self._chosen))
                self._choice = ""

    def _hear(self, data: str) -> None:
        """Note the text, and whose it is."""
        if "script" in self._open or "style" in self._open:
            return
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        self.text += f" {data}"
        if self._area is not None and self._form is not None:
            name, value = self._form.fields.pop()
            self._form.fields.append((name, value + data))
        if self._pressed is not None:
            self._pressed.text = f"{self._pressed.text} {data.strip()}".strip()
        if "a" in self._open and self.links:
            href, text = self.links[-1]
            self.links[-1] = (href, f"{text} {data.strip()}".strip())


class Page:
    """A page that was opened, and is read once somebody looks at what there is on it."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.path = answer.url.raw_path.decode()

    @cached_property
    def html(self) -> str:
        """Return what was answered."""
        return self.answer.text

    @cached_property
    def _read(self) -> _Reader:
        return _Reader(self.html)

    @property
    def text(self) -> str:
        """Return its text."""
        return self._read.text

    @property
    def title(self) -> str:
        """Return its title."""
        return self._read.title

    @property
    def forms(self) -> Sequence[Form]:
        """Return its forms."""
        return self._read.forms

    @property
    def links(self) -> Sequence[tuple[str, str]]:
        """Return where it leads, and by which words."""
        return self._read.links

    def form_with(self, button: str) -> tuple[Form, Button]:
        """Return the form that has a button of this text, and the button."""
        for form in self.forms:
            for each in form.buttons:
                if each.text == button:
                    return form, each
        shown = [each.text for form in self.forms for each in form.buttons]
        raise AssertionError(f"no button {button!r} at {self.path} ({self.status}), but {shown}")

    def value(self, name: str) -> str:
        """Return what a field of any form holds."""
        return next(value for form in self.forms for key, value in form.fields if key == name)


@dataclass
class Visitor:
    """Somebody at a browser without scripts."""

    http: httpx2.AsyncClient

    async def open(self, path: str, **query: str) -> Page:
        """Open a page, and follow where it leads."""
        url = f"{path}?{urlencode(query)}" if query else path
        return Page(await self.http.get(url, follow_redirects=True))

    async def follow(self, page: Page, text: str) -> Page:
        """Follow the first link of a text."""
        found = [href for href, told in page.links if told == text]
        assert found, f"no link {text!r} at {page.path}, but {[told for _, told in page.links]}"
        return await self.open(urljoin(page.path, found[0]))

    async def press(self, page: Page, button: str, **fields: str | Sequence[str]) -> Page:
        """Fill in the form that has a button, press it, and follow where it leads.

        A field of an empty list is left out, as a box that is not ticked.
        """
        form, pressed = page.form_with(button)
        unknown = set(fields) - form.names
        assert not unknown, f"the form has no {unknown}, but {sorted(form.names)}"
        sent = [(name, value) for name, value in form.fields if name not in fields]
        for name, value in fields.items():
            sent += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        if pressed.name:
            sent.append((pressed.name, pressed.value))
        url = urljoin(page.path, pressed.action or form.action or page.path)
        if form.method == "get":
            return await self.open(urlsplit(url).path + "?" + urlencode(sent))
        origin = str(self.http.base_url).rstrip("/")
        headers = {
            "origin": origin,
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
        }
        body = urlencode(sent).encode()
        return Page(await self.http.post(url, content=body, headers=headers, follow_redirects=True))

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> Page:
        """Log in, and return the page that it leads to."""
        return await self.press(
            await self.open("/log-in"), "Log in", email=email, password=password
        )


class QuickPasswords:
    """Passwords whose hash costs nothing: what they are worth is tested elsewhere."""

    async def hash(self, password: Sensitive) -> str:
        """Return a hash."""
        return hashlib.sha256(password.reveal().encode()).hexdigest()

    async def verify(self, password: Sensitive, hashed: str) -> bool:
        """Say whether it is the one."""
        return await self.hash(password) == hashed


def told_at(page: Page, field: str) -> str:
    """Return what is said at a field of a page, to which its summary leads."""
    (said,) = re.findall(rf'<p class="error" id="f-{field}-error">(.*?)</p>', page.html, re.DOTALL)
    assert f'href="#f-{field}"' in page.html
    assert page.html.count(f'id="f-{field}"') == 1
    assert f'aria-describedby="f-{field}-error"' in page.html or f"f-{field}-hint" in page.html
    return unescape(re.sub("<[^>]*>", "", said)).strip()


@dataclass
class WebHouse:
    """A house with pages, an administrator who is a person, and their browser, logged in."""

    house: House
    visitor: Visitor

    @property
    def world(self) -> World:
        """Return the world behind the pages."""
        return self.house.world


def visitor_of(world: World, **pages: object) -> Visitor:
    """Return a new browser that reaches the pages of a world."""
    app = build_api(
        world,
        version="0",
        public_url=PUBLIC_URL,
        pages=build_pages(world, version="0", public_url=PUBLIC_URL, **pages),  # type: ignore[arg-type]
    )
    return Visitor(httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=PUBLIC_URL))


async def make_person(
    house: House, email: str = EMAIL, password: str = PASSWORD, *, role: str = "admin"
) -> None:
    """Create a person who holds a role everywhere."""
    admin = await authenticate(house.world, house.installed.admin_token)
    await create_person(house.world, admin, email, Sensitive(password), role=role)


async def let_in(visitor: Visitor, world: World, email: str = EMAIL) -> None:
    """Give a browser the session that logging in with `PASSWORD` gives, without the pages."""
    logged = await log_in_person(world, email, Sensitive(PASSWORD))
    name, here = cookie_name(secure=True), visitor.http.base_url.host
    visitor.http.cookies.set(name, logged.access_token.reveal(), here)


@asynccontextmanager
async def open_web() -> AsyncIterator[WebHouse]:
    """Set up a house, and log its administrator in at a browser."""
    async with open_house() as bare:
        house = replace(bare, world=replace(bare.world, passwords=QuickPasswords()))
        await make_person(house)
        visitor = visitor_of(house.world)
        async with visitor.http:
            await let_in(visitor, house.world)
            yield WebHouse(house, visitor)
