"""What the tests of flows' pages share: flows in a house with pages, and runs of them."""

from typing import Any

from endpoint_kit import FLOWS, PLACE
from web_kit import Page, Visitor, WebHouse, make_person, visitor_of

HOSTILE = "<script>alert(1)</script>\"'&"
CANARY = "canary-of-a-value-0123456789"
GREET = """\
version: 1
flow: greet
description: Say hello.
start:
  kind: api_endpoint
  security: client_token
  query: {name: text}
  body: {times: number, loud: boolean, names: list}
outputs: {greeting: text, times: number}
cards:
- id: greeting
  card: text.compose
  with: {text: "Hello {{ start.query.name? }}"}
- card: flow.return
  with: {greeting: "{{ greeting.text }}", times: "{{ start.body.times? }}"}
"""
DOUBLE = """\
flow: double
description: Count twice.
start: {kind: helper, inputs: {count: number}}
cards:
- id: sum
  card: number.add
  with: {a: "{{ start.inputs.count }}", b: "{{ start.inputs.count }}"}
- card: flow.return
  with: {sum: "{{ sum.number }}"}
"""
TELL = """\
flow: tell
start: {kind: helper}
secrets: {key: KEY}
cards:
- id: said
  card: text.compose
  with: {text: "{{ secrets.key }}"}
- card: flow.return
  with: {key: "{{ said.text }}"}
"""
WAIT = """\
flow: wait
start: {kind: helper}
cards:
- id: before
  card: text.compose
  with: {text: one}
- id: many
  card: branch.if_else
  with: {when: true}
  then:
  - card: flow.wait_for
    with: {duration: 1, unit: hours}
- id: after
  card: text.compose
  with: {text: two}
"""
FAIL = """\
flow: fail
start: {kind: helper}
cards:
- id: tried
  card: text.compose
  with: {text: about to}
- card: error.raise
  with: {message: "%s"}
"""
_YAML = HOSTILE.replace("'", "''")
NOTED = (
    f"flow: hostile\ndescription: 'D {_YAML}'\nstart: {{kind: helper}}\ncards:\n"
    f"- {{card: text.compose, note: 'N {_YAML}', with: {{text: '{_YAML}'}}}}\n"
)
"""A flow with hostile texts wherever any text may stand."""


async def save(web: WebHouse, source: str) -> str:
    """Save a flow through the API, and return its id."""
    answer = await web.house.http.post(FLOWS, json=PLACE | {"source": source})
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["flow"]["id"]
    return made


async def source_of(web: WebHouse, flow_id: str) -> tuple[int, str]:
    """Return the newest version of a flow, and its text."""
    flow = (await web.house.http.get(f"{FLOWS}/{flow_id}")).json()["flow"]
    return flow["version"], flow["source"]


async def run(web: WebHouse, flow_id: str, *, wait_s: float = 5, **given: Any) -> str:  # noqa: ANN401  JSON
    """Run a flow through the API, and return the id of its run."""
    body = {"given": given, "waitS": wait_s}
    answer = await web.house.http.post(f"{FLOWS}/{flow_id}/run", json=body)
    made: str = answer.json()["run"]["id"]
    return made


async def store(web: WebHouse, name: str = "KEY", value: str = CANARY) -> None:
    """Store a secret through the API."""
    body = {**web.house.place, "secretValue": value}
    answer = await web.house.http.post(f"/api/v3/secrets/raw/{name}", json=body)
    assert answer.status_code == 200, answer.text


async def somebody(web: WebHouse, role: str) -> Visitor:
    """Log another person in, who holds a role everywhere."""
    await make_person(web.house, f"{role}@example.com", role=role)
    other = visitor_of(web.world)
    await other.log_in(f"{role}@example.com")
    return other


def buttons(page: Page) -> set[str]:
    """Return the texts of all buttons and links of a page."""
    pressed = {each.text for form in page.forms for each in form.buttons}
    return pressed | {text for _, text in page.links}
