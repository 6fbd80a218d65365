"""Lists that are streamed: each record goes to a helper once, a page at a time."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from cards_kit import Workshop, workshop_at_the_org
from flow_kit import Died, FlowRig, flow_rig

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.run import Phase, Run
from keyturn.services.ports import ResourceAnswer, ResourceRequest
from keyturn.services.run_history import replay_run

pytestmark = pytest.mark.anyio

JSON = (("content-type", "application/json"),)
INPUTS = "{record: object, index: number, state: any}"
HELPER = f"flow: helper\nstart: {{kind: helper, inputs: {INPUTS}}}\n"
POSTS = """cards:
- card: api.post
  with:
    url: https://b.example.com/
    body:
      id: "{{ start.inputs.record.id }}"
      index: "{{ start.inputs.index }}"
      state: "{{ start.inputs.state }}"
"""
STREAMS = """cards:
- id: all
  card: api.stream_pages
  with: {url: "https://a.example.com/things", flow: helper, state: {to: us}, limit: LIMIT}
- {card: flow.return, with: {all: "{{ all }}"}}
"""
RECORDS = [{"id": number} for number in range(10)]


class Lister:
    """A service that lists on pages of three, and takes what is posted."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.pages: list[int] = []
        self.size = 0

    async def serve(self, asked: ResourceRequest) -> ResourceAnswer:
        """Answer a request."""
        if asked.method == "POST":
            self.taken.append(json.loads(asked.body))
            return ResourceAnswer(201)
        after = int(parse_qs(urlsplit(asked.url).query).get("after", ["0"])[0])
        self.pages.append(after)
        links: Sequence[tuple[str, str]] = ()
        if after + 3 < len(RECORDS):
            links = (("link", f'<https://a.example.com/things?after={after + 3}>; rel="next"'),)
        told = [each | {"pad": "x" * self.size} for each in RECORDS[after : after + 3]]
        return ResourceAnswer(200, (*JSON, *links), json.dumps(told).encode())


@pytest.fixture
async def rig() -> AsyncIterator[FlowRig]:
    """Have the helper."""
    async with flow_rig() as made:
        await made.save(POSTS, HELPER)
        yield made


async def streaming(rig: FlowRig, limit: int = 100, more: str = "") -> tuple[Run, Lister]:
    """Start a run that streams."""
    lister = Lister()
    rig.resources.serve = lister.serve
    cards = STREAMS.replace("LIMIT", str(limit)) + more
    return await rig.start(await rig.save(cards)), lister


@pytest.mark.parametrize(
    ("limit", "count", "truncated"),
    [(100, 10, False), (10, 10, False), (9, 9, True), (4, 4, True), (3, 3, True)],
)
async def test_each_record_is_handed_on_once(
    rig: FlowRig,
    limit: int,
    count: int,
    truncated: bool,  # noqa: FBT001  a case
) -> None:
    """In order, with its number and the state, up to the limit; no page is asked for in vain."""
    run, lister = await streaming(rig, limit)
    told = {"count": count, "truncated": truncated}
    assert (await rig.result(run)).body.value == {"all": told}
    expected = [{"id": each, "index": each, "state": {"to": "us"}} for each in range(count)]
    assert lister.taken == expected
    assert lister.pages == [*range(0, count, 3)]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", [2, 3, 5, 9, 14])
async def test_a_death_at_any_commit_hands_nothing_on_twice(
    rig: FlowRig, at: int, moment: Literal["before", "after"]
) -> None:
    """Whoever takes the run over goes by the pages that were read then."""
    run, lister = await streaming(rig)
    with pytest.raises(Died):
        await rig.work(rig.mortal(at, moment))
    rig.clock.advance(61)
    ended = await rig.end(run)
    taken = [each["id"] for each in lister.taken]
    assert taken == sorted({*taken})
    assert len(taken) == len(RECORDS) or ended.run.failure == "unknown_outcome"


async def test_a_replay_from_a_later_card_hands_nothing_on(rig: FlowRig) -> None:
    """The pages, and what was done of their records, are taken as they were."""
    run, lister = await streaming(rig)
    first = (await rig.result(run)).body.value
    again = await replay_run(rig.world, rig.admin, run.id, from_card="card_2")
    assert (await rig.result(again.run)).body.value == first
    assert (len(lister.taken), len(lister.pages)) == (10, 4)


async def test_a_record_that_fails_ends_it(rig: FlowRig) -> None:
    """As in every other loop; what was handed on stays so."""
    run, lister = await streaming(rig)
    serve = lister.serve

    async def failing(asked: ResourceRequest) -> ResourceAnswer:
        answer = await serve(asked)
        return ResourceAnswer(500) if len(lister.taken) == 5 else answer

    rig.resources.serve = failing
    ended = (await rig.end(run)).run
    assert (ended.phase, ended.failure) == (Phase.FAILED, "http_error")
    assert len(lister.taken) == 5


async def test_a_run_holds_one_page_at_a_time(rig: FlowRig) -> None:
    """All together take more than the run may hold."""
    run, lister = await streaming(rig, more="limits: {memory_mb: 1}\n")
    lister.size = 150_000
    ended = (await rig.end(run)).run
    assert (ended.phase, ended.told, len(lister.taken)) == (Phase.FINISHED, "", 10)


async def test_pages_that_come_to_no_end_are_told(rig: FlowRig) -> None:
    """The same one again and again, as nobody counts them by hand."""
    run, _ = await streaming(rig)

    async def endless(asked: ResourceRequest) -> ResourceAnswer:
        return ResourceAnswer(200, (*JSON, ("link", f'<{asked.url}>; rel="next"')), b"[]")

    rig.resources.serve = endless
    assert (await rig.end(run)).run.failure == "http_error"
    assert len(rig.resources.asked) == 2


async def test_its_helper_is_written_out_and_there(rig: FlowRig) -> None:
    """Whoever saves the flow answers for it."""
    for name, told in (("nobody", "there is no flow nobody"), ('"{{ run.id }}"', "written out")):
        cards = STREAMS.replace("flow: helper", f"flow: {name}").replace("LIMIT", "9")
        with pytest.raises(InvalidInput) as refused:
            await rig.save(cards)
        assert told in str(refused.value.problems)


async def test_the_users_of_an_org_are_streamed() -> None:
    """By a path on its domain, page by page."""
    async with workshop_at_the_org() as it:
        await _stream_users(it)


async def _stream_users(it: Workshop) -> None:
    scope = "okta.users.read"
    await it.connect("our-org", it.app(scope), "okta", (scope,))
    it.helpers["one"] = {"cards": [{"card": "flow.return", "with": {"done": True}}]}
    given = {"path": "/api/v1/users", "query": {"limit": 1}, "flow": "one"}
    told = await it.given("okta.stream_pages", "our-org", **given)
    pages = [act for act in it.acts if act.card.spec.name == "okta.stream_pages"]
    assert told == {"count": len(pages), "truncated": False}
    assert len(pages) > 1
