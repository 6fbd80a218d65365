"""The cards of the API Connector: any service, by HTTP."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from keyturn.domain.flows import requests
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.requests import SAFE, Request
from keyturn.domain.flows.values import Bound, Value
from keyturn.domain.flows.walk import Act
from keyturn.services.cards.answering import outputs_of, require_good
from keyturn.services.cards.line import exchange, open_line
from keyturn.services.cards.pages import Course, follow, read_page, streamed
from keyturn.services.cards.stage import Perform, Stage, given

ACCEPTS_JSON: Final = {"accept": "application/json"}
METHODS: Final = {
    "api.get": "GET",
    "api.post": "POST",
    "api.put": "PUT",
    "api.patch": "PATCH",
    "api.delete": "DELETE",
}


async def _asked(stage: Stage, act: Act) -> Bound:
    """Make a request whose body is JSON, and fail where it was not done."""
    asked = request_of(act, METHODS[act.card.spec.name])
    line = await open_line(stage, act)
    answer = await exchange(line, asked)
    return await outputs_of(line, await require_good(line, answer))


async def _raw(stage: Stage, act: Act) -> Bound:
    """Make a request and return whatever is answered."""
    inputs = given(act)
    asked = request_of(act, str(inputs.get("method")), plain=True)
    line = await open_line(stage, act)
    return await outputs_of(line, await exchange(line, asked), plain=True)


async def _pages(stage: Stage, act: Act) -> Bound:
    """Read a list, page by page."""
    inputs = given(act)
    course = Course(limit=whole(inputs, "limit"), records_at=str(inputs.get("records_at") or ""))
    asked = request_of(act, "GET")
    return await follow(await open_line(stage, act), asked, course)


async def _page(stage: Stage, act: Act) -> Bound:
    """Read one page of a list that is streamed."""
    asked, inputs = request_of(act, "GET"), given(act)
    line = await open_line(stage, act)
    page = await read_page(line, asked, str(inputs.get("records_at") or ""))
    return streamed(line, page, page.following)


def request_of(act: Act, method: str, *, plain: bool = False) -> Request:
    """Return the request that a card's inputs make. Raises CardFailure."""
    inputs = given(act)
    url = requests.address(str(inputs.get("url")), inputs.get("query"))
    _require_host(url, inputs.get("hosts"))
    return built(act, method, url, plain=plain)


def built(act: Act, method: str, url: str, *, plain: bool = False) -> Request:
    """Return a request to an address, with the headers and the body that a card was given."""
    inputs = given(act)
    headers = {**requests.headers_of(inputs.get("headers"))}
    body = inputs.get("body")
    key = _key(act, headers)
    if plain:
        sent = requests.as_bytes(body)
    else:
        named, sent = requests.with_body(headers, body)
        headers = {**ACCEPTS_JSON, **named}
    return Request(method, url, {**headers, **key}, sent, once=method not in SAFE and not key)


def _key(act: Act, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the header by which a service knows a request again, where one is wanted."""
    if "idempotency_key" not in act.card.inputs:
        return {}
    inputs = given(act)
    named = {str(inputs.get("idempotency_header")): inputs.get("idempotency_key")}
    key = requests.headers_of(named)
    if not all(key.values()) or not key:
        raise wrong_input("idempotency_key", "must be a text, and not empty")
    if key.keys() & headers.keys():
        raise wrong_input("headers", "must not have the header of idempotency_key")
    return key


def _require_host(url: str, hosts: Value) -> None:
    if hosts is None:
        return
    listed = hosts if isinstance(hosts, list) else []
    named = [each.lower() for each in listed if isinstance(each, str)]
    parts = urlsplit(url)
    if parts.hostname not in named and parts.netloc not in named:
        raise CardFailure(Failure.NETWORK, "The address is at none of the hosts that may be asked.")


def whole(inputs: Mapping[str, Value], name: str) -> int:
    """Return a number from 1 on. Raises CardFailure."""
    value = inputs.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise wrong_input(name, "must be a whole number from 1 on")


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {
        **dict.fromkeys(METHODS, _asked),
        "api.raw_request": _raw,
        "api.get_pages": _pages,
        "api.stream_pages": _page,
    }
)
