"""Spans of a request, its turn and the calls to Okta below it: names and ids, never a value."""

from dataclasses import replace

import httpx2
from api_kit import ORG_URL, ROTATIONS, House
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.system.tracing import SpanTracer
from keyturn.api.app import build_api
from keyturn.sandbox import build_app
from keyturn.services.ports import Vitals

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def spans_of(house: House, method: str, path: str) -> list[ReadableSpan]:
    """Make a request of the house that tells of spans, and return them in their order."""
    exporter = InMemorySpanExporter()
    vitals = Vitals(SpanTracer(exporter, at_once=True))
    okta = OktaHttpOrgs(
        house.clock,
        house.world.chance,
        transport=lambda: httpx2.ASGITransport(build_app(house.org)),
        vitals=vitals,
    )
    world = replace(house.world, vitals=vitals, okta=okta)
    way = httpx2.ASGITransport(build_api(world, version="0"))
    headers = {**house.http.headers, "traceparent": PARENT}
    async with httpx2.AsyncClient(transport=way, base_url=ORG_URL, headers=headers) as http:
        await http.request(method, path)
    return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)


async def test_a_turn_is_a_tree_of_spans(house: House) -> None:
    """The request, below it the steps of the turn, below them the calls; all of one trace."""
    rotation = (await house.rotate_by_order())["id"]
    path = f"{ROTATIONS}/{rotation}/rotate-secrets"
    first, *rest = await spans_of(house, "POST", path)
    route = f"{ROTATIONS}/{{rotation_id}}/rotate-secrets"
    assert first.name == f"POST {route}"
    assert first.kind is SpanKind.SERVER
    assert (first.attributes or {})["http.response.status_code"] == 200
    assert {f"{span.context.trace_id:032x}" for span in (first, *rest)} == {TRACE}
    turns = [span for span in rest if span.name == "turn"]
    calls = [span for span in rest if span.name.startswith("okta: ")]
    assert turns
    assert calls
    assert all(span.parent and span.parent.span_id == first.context.span_id for span in turns)
    known = {span.context.span_id for span in turns}
    below = [span for span in calls if span.parent and span.parent.span_id in known]
    assert below
    assert all((span.attributes or {})["okta.request_id"] for span in below)


async def test_spans_tell_neither_values_nor_queries(house: House) -> None:
    """What stands behind the question mark, in bodies and in headers is in no span."""
    rotation = (await house.rotate_by_order())["id"]
    spans = await spans_of(house, "POST", f"{ROTATIONS}/{rotation}/rotate-secrets?q=canary-query")
    told = "".join(span.to_json() for span in spans)
    token = house.http.headers["authorization"].removeprefix("Bearer ")
    for hidden in ("canary-query", token, await house.served(), house.org.seeded.api_token):
        assert hidden not in told
