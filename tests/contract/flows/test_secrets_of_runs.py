"""What is secret in a run is secret in whatever it is answered, and in the runs that it starts."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

import pytest
from flow_kit import FlowRig, flow_rig
from rig import PLACE

from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import ResourceAnswer, ResourceRequest
from keyturn.services.run_history import list_runs, replay_run
from keyturn.services.secret_changes import create_secret

pytestmark = pytest.mark.anyio

SECRET = "hunter2-AAAA,BBBB/CCCC"
CALLEE = "flow: callee\nstart: {kind: helper, inputs: {token: text}}\n"
GOT = """cards:
- {id: got, card: text.compose, with: {text: "got {{ start.inputs.token }}"}}
- {card: api.get, with: {url: "https://a.example.com/unrelated"}}
"""
HANDS_ON = """secrets: {top: TOP}
cards:
- {card: flow.call_async, with: {flow: callee, inputs: {token: "{{ secrets.top }}"}}}
"""
ASKS = """secrets: {top: TOP}
cards:
- {id: url, card: text.compose, with: {text: "https://a.example.com/{{ secrets.top }}"}}
- {card: api.get, with: {url: "{{ url.text }}"}}
"""


@pytest.fixture
async def rig() -> AsyncIterator[FlowRig]:
    """Have a secret, and a service that repeats the path that it was asked for."""
    async with flow_rig() as made:
        await create_secret(made.world, made.admin, PLACE, "TOP", Sensitive(SECRET))
        made.resources.serve = echo
        yield made


async def echo(asked: ResourceRequest) -> ResourceAnswer:
    """Answer with the path that was asked for, in several spellings."""
    path = urlsplit(asked.url).path[1:]
    said = {"path": path, "said": unquote(path), "raw": f"at {path}?"}
    return answer(said)


def answer(said: object) -> ResourceAnswer:
    """Return an answer in JSON."""
    kind = (("content-type", "application/json"),)
    return ResourceAnswer(200, kind, json.dumps(said).encode())


def shown(steps: object) -> str:
    """Return a history without the spellings of JSON."""
    return unquote(json.dumps(steps, ensure_ascii=False))


async def test_a_secret_that_is_handed_to_another_flow_is_hidden_there(rig: FlowRig) -> None:
    """Also from whoever searches, and where that run is run again; the flow itself has it."""
    callee = await rig.save(GOT, CALLEE)
    await rig.end(await rig.start(await rig.save(HANDS_ON)))
    (started,) = await list_runs(rig.world, rig.admin, callee.saved.id)
    rig.resources.script.extend([answer({"echo": SECRET})] * 2)
    again = await replay_run(rig.world, rig.admin, started.run.id)
    for run in (started.run, again.run):
        found = await rig.end(run)
        assert SECRET not in shown(found.steps)
        assert [step["card_id"] for step in found.steps] == ["got", "card_2"]
        assert found.steps[0]["outputs"] == {"text": "got (masked)"}
    assert not await list_runs(rig.world, rig.admin, callee.saved.id, text="hunter2")


async def test_what_a_service_repeats_of_a_secret_is_hidden(rig: FlowRig) -> None:
    """However it is spelled, although what was sent is another text."""
    found = await rig.end(await rig.start(await rig.save(ASKS)))
    assert found.run.failure == ""
    assert "hunter2" not in shown(found.steps)
    assert found.steps[1]["outputs"]["body"] == dict.fromkeys(("path", "said", "raw"), "(masked)")


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        b64encode(SECRET.encode()).decode(),
        b64encode(f"user:{SECRET}".encode()).decode(),
        b64encode(f"a:{SECRET}@b".encode()).decode(),
        json.dumps(SECRET + '"')[:-2],
    ],
)
async def test_a_later_answer_hides_what_an_earlier_card_has_sent(rig: FlowRig, said: str) -> None:
    """Also where it was sent nothing of it."""
    cards = ASKS + '- {id: later, card: api.get, with: {url: "https://a.example.com/b"}}\n'
    rig.resources.script.extend([answer({}), answer({"said": f"<{said}>", "other": "plain"})])
    found = await rig.end(await rig.start(await rig.save(cards)))
    assert found.steps[2]["outputs"]["body"] == {"said": "(masked)", "other": "plain"}


async def test_what_was_read_by_its_name_is_hidden_as_well(rig: FlowRig) -> None:
    """A run that another worker goes on with knows it still."""
    cards = """cards:
- {card: keyturn.read_secret, with: {name: TOP}}
- {card: flow.wait_for, with: {duration: 1, unit: hours}}
- {card: api.get, with: {url: "https://a.example.com/b"}}
"""
    rig.resources.script.append(answer([SECRET]))
    found = await rig.end(await rig.start(await rig.save(cards)))
    assert found.steps[2]["outputs"]["body"] == ["(masked)"]
