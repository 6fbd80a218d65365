"""Turn templates into pages, and tell browsers what a page may do: nothing that is not ours."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType, SimpleNamespace
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from keyturn.web.prose import prose

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": CSP,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
)

PARTS: Final = ("controls.html", "parts.html")
ASSETS: Final = files("keyturn.web") / "assets"
TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
        "txt": "text/plain; charset=utf-8",
    }
)


class Templates:
    """The templates of this process; each is compiled when it is first used."""

    def __init__(self) -> None:
        self._environment: Final = Environment(
            loader=PackageLoader("keyturn.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["asset"] = asset
        self._environment.filters["prose"] = prose

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """Render a template. Raises jinja2.UndefinedError for what the context lacks."""
        return self._environment.get_template(name).render({"ui": self._parts, **context})

    @cached_property
    def _parts(self) -> SimpleNamespace:
        """The macros that every template may use, without importing them."""
        modules = (self._environment.get_template(name).module for name in PARTS)
        return SimpleNamespace(
            **{name: part for each in modules for name, part in vars(each).items()}
        )


@cache
def templates() -> Templates:
    """Return the templates of this process: they know of no house, and are compiled once."""
    return Templates()


class ShownOnce(HTMLResponse):
    """A page with a value that no other page will show: not compressed, nor kept for long."""

    def __init__(self, text: str) -> None:
        super().__init__(text, 200, {**HEADERS, "Content-Encoding": "identity"})


def answer(
    text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """Return a page as an answer."""
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


@cache
def asset(name: str) -> str:
    """Return the path of an asset; it changes with what is in it, so that it is kept for ever."""
    digest = hashlib.sha256(_bytes(name)).hexdigest()[:12]
    return f"/assets/{digest}/{name}"


@cache
def compressed(name: str) -> bytes:
    """Return an asset compressed. Raises FileNotFoundError."""
    return gzip.compress(_bytes(name), 9, mtime=0)


def _bytes(name: str) -> bytes:
    return (ASSETS / name).read_bytes()
