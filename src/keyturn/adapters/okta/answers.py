"""One call to Okta and the answer to it.

Decides whether an answer is a yes, a no or neither, and what of it may be repeated to people.
Knows neither how a call travels nor what a yes contains.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

import httpx2

from keyturn.adapters.okta.shapes import Garbled, find_member, find_text
from keyturn.domain.budget import Purpose
from keyturn.domain.errors import FieldProblem, InvalidInput, OktaAnswer, OktaRefused, OktaUnclear
from keyturn.domain.sensitive import Sensitive

TOLD_CHARACTERS = 500
"""As much of one text of Okta's as an error repeats."""

REDIRECTS = "it redirects elsewhere; is this the address of the org itself?"

CHALLENGE = re.compile(r'(\w+)="([^"]*)"')

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One call to make; ``what`` is the imperative phrase that names it to people.

    ``path`` begins with a slash, is escaped and may carry a query. ``principal`` is whose rate
    limit it counts against, ``purpose`` what it is for where that is not what the org was opened
    for, and so many calls about the same app ``follow``. ``changes`` says that it changes something
    at Okta. No answer's text repeats a value in ``hidden``.
    """

    what: str
    method: str
    path: str
    principal: str = ""
    changes: bool = False
    purpose: Purpose | None = None
    follow: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    hidden: tuple[Sensitive, ...] = ()

    @property
    def about(self) -> str:
        """Return what the call is about: the path down to the app's id."""
        return "/".join(self.path.partition("?")[0].split("/")[:5])

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Return the same call with more headers, whose values are hidden."""
        hidden = (Sensitive(value.rpartition(" ")[2]) for value in headers.values())
        return replace(self, headers={**self.headers, **headers}, hidden=(*self.hidden, *hidden))

    def marked(self, mark: str) -> Self:
        """Return the same call with a mark that Okta's System Log repeats, for us to know it by."""
        return replace(self, headers={**self.headers, "User-Agent": f"keyturn ({mark})"})

    def with_json(self, members: Mapping[str, str]) -> Self:
        """Return the same call with a JSON body."""
        headers = {**self.headers, "Content-Type": "application/json"}
        return replace(self, headers=headers, content=json.dumps(members).encode())

    def with_form(self, members: Mapping[str, str]) -> Self:
        """Return the same call with a form body."""
        headers = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
        return replace(self, headers=headers, content=urlencode(members).encode())


def segment(text: str) -> str:
    """Escape one part of a path, so that it stays one part.

    Raises InvalidInput for the dot segments, which no escaping protects (RFC 3986, 5.2.4).
    """
    if not text.strip("."):
        raise InvalidInput(FieldProblem(("id",), "must be an id of Okta's"))
    return quote(text, safe="", errors="replace")


@dataclass(frozen=True)
class Answer:
    """What Okta answered to a call."""

    call: Call
    status: int
    headers: httpx2.Headers = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    def accept(self, *statuses: int) -> Self:
        """Return the answer if its status is one of these.

        Raises OktaRefused for a 4xx that says why, and OktaUnclear for everything else.
        """
        if self.status in statuses:
            return self
        error = self.find_error()
        if 300 <= self.status < 400:
            raise self.unclear(REDIRECTS)
        if error and 400 <= self.status < 500:
            raise OktaRefused(self.call.what, error)
        raise OktaUnclear(self.call.what, error or self.told())

    def parse(self, parser: Callable[[object], T]) -> T:
        """Return the body as the parser sees it. Raises OktaUnclear where it cannot."""
        try:
            return parser(self._json())
        except Garbled as garbled:
            raise self.unclear(str(garbled)) from None

    def unclear(self, summary: str) -> OktaUnclear:
        """Return the error for an answer that Okta's contract does not know."""
        return OktaUnclear(self.call.what, self.told(summary=summary))

    def find_error(self) -> OktaAnswer | None:
        """Find Okta's error object, OAuth's (RFC 6749, 5.2), or a challenge (RFC 6750, 3)."""
        try:
            data = self._json()
        except Garbled:
            data = None
        if code := find_text(data, "errorCode"):
            return self.told(
                code=code,
                summary=find_text(data, "errorSummary") or code,
                causes=_causes(data),
                error_id=find_text(data, "errorId") or "",
            )
        if code := find_text(data, "error"):
            return self._oauth_error(code, find_text(data, "error_description"))
        return self._find_challenge()

    def told(
        self,
        *,
        summary: str = "",
        code: str = "",
        causes: tuple[str, ...] = (),
        error_id: str = "",
    ) -> OktaAnswer:
        """Return what may be repeated of the answer: bounded, printable, no hidden value."""
        return OktaAnswer(
            status=self.status,
            request_id=self.request_id,
            code=self._clean(code),
            summary=self._clean(summary),
            causes=tuple(self._clean(cause) for cause in causes),
            error_id=self._clean(error_id),
        )

    @property
    def request_id(self) -> str:
        """Return Okta's id of the exchange, or the empty string."""
        return self._clean(self.headers.get("x-okta-request-id", ""))

    def _find_challenge(self) -> OktaAnswer | None:
        challenge = dict(CHALLENGE.findall(self.headers.get("www-authenticate", "")))
        code = challenge.get("error", "")
        if code == "insufficient_scope":
            scope = challenge.get("scope", "that it needs")
            return self.told(code=code, summary=f"the access token lacks the scope {scope}")
        if code:
            return self._oauth_error(code, challenge.get("error_description"))
        return None

    def _oauth_error(self, code: str, description: str | None) -> OktaAnswer:
        return self.told(code=code, summary=f"{code}: {description}" if description else code)

    def _json(self) -> object:
        if "json" not in self.headers.get("content-type", "").lower():
            raise Garbled("the answer is not JSON")
        try:
            data: object = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Garbled("the answer is not whole JSON") from None
        return data

    def _clean(self, text: str) -> str:
        for value in self.call.hidden:
            if value.reveal():
                text = text.replace(value.reveal(), "…")
        text = text[:TOLD_CHARACTERS]
        if text.isprintable():
            return text
        return "".join(char if char.isprintable() else " " for char in text)


def _causes(data: object) -> tuple[str, ...]:
    causes = find_member(data, "errorCauses")
    texts = (find_text(each, "errorSummary") for each in _items(causes))
    return tuple(text for text in texts if text)


def _items(data: object) -> list[object]:
    return data if isinstance(data, list) else []
