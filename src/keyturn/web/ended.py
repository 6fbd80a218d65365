"""Requests whose log-in is over: nothing is done, and nothing that was typed is lost.

What a form said goes back to the browser that sent it, in a page that sends it again by a log-in
that is good. Nothing of it is kept here, and no secret of it goes back: those are asked for again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import FormData
from starlette.responses import PlainTextResponse, Response

from keyturn.domain.errors import Forbidden
from keyturn.web import sessions
from keyturn.web.menu import HOME
from keyturn.web.rendering import HEADERS
from keyturn.web.visiting import Visit, inside

LOG_IN: Final = "/log-in"
LEFT_OUT: Final = "left_out"
"""The field that names what a form held and its page does not: a kind, a colon and a name."""
KINDS: Final = frozenset({"line", "lines", "file"})
SECRET: Final = re.compile(
    r"(?!map_)(.*(password|secret|token|value|key|proof|assertion)|key-.*|"
    r"lines|beginning|old|new|again|text)\Z",
    re.IGNORECASE,
)
"""What the fields are called that a secret is typed into, after a last dot."""
FRESH: Final = "Form-Token"
"""The header by which a page gets the proof that its forms lack since a new log-in."""
OVER: Final = "You are not logged in any more, so nothing was done."
LATE: Final = "You were logged out, so nothing was done. Log in, and send it again."
LONGEST: Final = 300


@dataclass(frozen=True)
class Missing:
    """A field whose content does not go back: it is typed, or chosen, once more."""

    kind: str
    name: str

    @property
    def label(self) -> str:
        """Return what people call it."""
        return _label(self.name)


@dataclass(frozen=True)
class Typed:
    """What a form said: what goes back as it was, and what is asked for again."""

    kept: Sequence[tuple[str, str]]
    missing: Sequence[Missing]

    @property
    def told(self) -> Sequence[tuple[str, str]]:
        """Return what goes back, for people."""
        return [(_label(name), _short(value)) for name, value in self.kept if value.strip()]

    @property
    def holds_file(self) -> bool:
        """Say whether a file belongs to it."""
        return any(each.kind == "file" for each in self.missing)


def lead_to_log_in(visit: Visit) -> Response:
    """Send to log in; what was to be shown is shown afterwards. What asks for a part is told."""
    if _is_part(visit):
        return _told(HTTPStatus.UNAUTHORIZED)
    url = visit.request.url
    return visit.redirect(_log_in(f"{visit.path}?{url.query}" if url.query else visit.path))


def keep_form(visit: Visit) -> Response:
    """Give a form back whose log-in is over, or was another than the one that is good now.

    Only to a browser that says where the form comes from. Raises Forbidden where it does not say so
    and somebody is logged in: without its proof, the form may be anybody's.
    """
    ours = sessions.comes_from_here(visit.request, visit.house.public_url)
    if visit.known and not ours:
        raise Forbidden(sessions.STRANGE)
    if _is_part(visit):
        return _told(HTTPStatus.FORBIDDEN if visit.known else HTTPStatus.UNAUTHORIZED, visit)
    typed, back = read_typed(visit.form), _came_from(visit)
    if visit.known or (ours and (typed.kept or typed.missing)):
        status = HTTPStatus.FORBIDDEN if visit.known else HTTPStatus.UNAUTHORIZED
        again, log_in = _whole(visit), _log_in(back)
        return visit.render("again.html", status=status, typed=typed, again=again, log_in=log_in)
    return visit.redirect(_log_in(back), LATE)


def read_typed(form: FormData) -> Typed:
    """Read what a form said, without its proof."""
    items = [item for item in form.multi_items() if item[0] not in (sessions.FIELD, LEFT_OUT)]
    kept = [(n, v) for n, v in items if isinstance(v, str) and not (v and is_secret(n))]
    return Typed(kept, [*dict.fromkeys(_missing(form))])


def is_secret(name: str) -> bool:
    """Say whether a field is one that secrets are typed into, by what it is called."""
    return SECRET.match(name.rpartition(".")[2]) is not None


def _missing(form: FormData) -> Iterator[Missing]:
    for name, value in form.multi_items():
        if not isinstance(value, str):
            if value.filename:
                yield Missing("file", name)
        elif name == LEFT_OUT:
            kind, _, named = value.partition(":")
            if kind in KINDS:
                yield Missing(kind, named)
        elif value and name != sessions.FIELD and is_secret(name):
            yield Missing("lines" if "\n" in value else "line", name)


def _is_part(visit: Visit) -> bool:
    """Say whether a script asks, for a part of a page that is open."""
    headers = visit.request.headers
    return "hx-request" in headers or headers.get("accept", "").startswith("text/event-stream")


def _told(status: HTTPStatus, visit: Visit | None = None) -> Response:
    """Answer a script; one of a page of an earlier log-in is given the proof of this one."""
    fresh = {FRESH: visit.form_token()} if visit and visit.known else {}
    return PlainTextResponse(OVER, status, {**HEADERS, **fresh})


def _came_from(visit: Visit) -> str:
    """Return the page of ours that a form was on, as far as the browser says."""
    try:
        parts = urlsplit(visit.request.headers.get("referer", ""))
    except ValueError:
        return HOME
    own = {visit.request.headers.get("host", ""), urlsplit(visit.house.public_url).netloc}
    if not parts.netloc or parts.netloc not in own:
        return HOME
    return inside(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def _log_in(after: str) -> str:
    elsewhere = after != HOME and not after.startswith(LOG_IN)
    return f"{LOG_IN}?after={quote(after)}" if elsewhere else LOG_IN


def _whole(visit: Visit) -> str:
    query = visit.request.url.query
    return f"{visit.path}?{query}" if query else visit.path


def _label(name: str) -> str:
    return re.sub("[_-]+", " ", name.rpartition(".")[2]).strip().capitalize() or "Field"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
