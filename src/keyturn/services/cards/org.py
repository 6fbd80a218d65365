"""The cards on an Okta org: `okta` and `okta_devices`, by paths on the connection's domain."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows import requests
from keyturn.domain.flows.cards import okta, okta_devices
from keyturn.domain.flows.cards.org_calls import OrgCall, OrgCard
from keyturn.domain.flows.cards.streaming import PAGES
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.requests import SAFE, Request
from keyturn.domain.flows.values import Bound, Value, members, seen
from keyturn.domain.flows.walk import Act
from keyturn.services.cards.answering import body_of, outputs_of, require_good
from keyturn.services.cards.api import ACCEPTS_JSON, built, whole
from keyturn.services.cards.line import Line, exchange, open_line
from keyturn.services.cards.pages import Course, follow, read_page, streamed
from keyturn.services.cards.stage import Perform, Stage, given


async def _called(call: OrgCall, stage: Stage, act: Act) -> Bound:
    """Make the call of a card."""
    inputs = given(act)
    path = _filled(call.path, inputs)
    query = {name: inputs.get(source) for name, source in call.query.items()}
    line = await open_line(stage, act)
    if call.pages:
        course = _course(inputs)
        size: dict[str, Value] = {"limit": min(course.page_size, course.limit)}
        url = requests.address(line.home + path, query | size)
        return await follow(line, Request("GET", url, ACCEPTS_JSON), course)
    url = requests.address(line.home + path, query)
    asked = Request(call.method, url, ACCEPTS_JSON, once=call.method not in SAFE)
    answer = await require_good(line, await exchange(line, asked))
    body = await body_of(line, answer)
    named = {call.gives: body} if call.gives else {}
    return members(named if call.method in SAFE else {"status": seen(answer.status), **named})


def _filled(path: str, inputs: Mapping[str, Value]) -> str:
    """Return a path with its inputs, each as one part of it. Raises CardFailure."""
    parts = (
        requests.segment(part[1:-1], inputs.get(part[1:-1])) if part.startswith("{") else part
        for part in path.split("/")
    )
    return "/".join(parts)


def _course(inputs: Mapping[str, Value]) -> Course:
    course = Course(whole(inputs, "limit"), whole(inputs, "page_size"))
    match inputs.get("results"):
        case okta_devices.FIRST:
            return replace(course, limit=1)
        case okta_devices.ALL:
            return replace(course, limit=PAGES * course.page_size)
        case _:
            return course


async def _custom(stage: Stage, act: Act) -> Bound:
    """Make any call to the org."""
    line = await open_line(stage, act)
    asked = built(act, str(given(act).get("method")), _address(line, act))
    answer = await exchange(line, asked)
    return await outputs_of(line, await require_good(line, answer))


async def _page(stage: Stage, act: Act) -> Bound:
    """Read one page of a list of the org's that is streamed."""
    line = await open_line(stage, act)
    page = await read_page(line, built(act, "GET", _address(line, act)), "")
    following = page.following and page.following.removeprefix(line.home)
    return streamed(line, page, following)


def _address(line: Line, act: Act) -> str:
    """Return the address of any path on the connection's domain. Raises CardFailure."""
    inputs = given(act)
    path = str(inputs.get("path"))
    if not path.startswith("/") or path.startswith("//"):
        raise wrong_input("path", "must begin with one /, and is on the connection's domain")
    return requests.address(line.home + path, inputs.get("query"))


def _any_of(card: OrgCard) -> Perform:
    return _page if card.spec.steer else _custom


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {
        each.spec.name: partial(_called, each.call) if each.call else _any_of(each)
        for each in (*okta.KNOWN, *okta_devices.KNOWN)
    }
)
