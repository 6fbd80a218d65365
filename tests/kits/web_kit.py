"""What the tests of pages share: a house with pages, and somebody who reads and fills in forms.

A visitor is a browser without scripts: it keeps cookies, follows redirects, and sends a form as it
stands on the page, with the button that was pressed. So whatever a test does by it works without
JavaScript.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2
from api_kit import PUBLIC_URL, House, open_house

from keyturn.api.app import build_api
from keyturn.domain.sensitive import Sensitive
from keyturn.services.logins import authenticate
from keyturn.services.people import create_person
from keyturn.services.ports import World
from keyturn.web.app import build_pages

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


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


class Page(HTMLParser):
    """A page that was read: its text, links and forms."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        self.answer = answer
        self.status = answer.status_code
        self.html = answer.text
        self.path = answer.url.raw_path.decode()
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
        self.feed(self.html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins."""
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
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

    def handle_endtag(self, tag: str) -> None:
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

    def handle_data(self, data: str) -> None:
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


@asynccontextmanager
async def open_web() -> AsyncIterator[WebHouse]:
    """Set up a house, and log its administrator in at a browser."""
    async with open_house() as bare:
        house = replace(bare, world=replace(bare.world, passwords=QuickPasswords()))
        await make_person(house)
        visitor = visitor_of(house.world)
        async with visitor.http:
            await visitor.log_in()
            yield WebHouse(house, visitor)
