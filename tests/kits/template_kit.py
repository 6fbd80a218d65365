"""Templates walked as they stand in their files, by the real performers of a workshop."""

from typing import Any

from cards_kit import Workshop

from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.templates import list_templates
from keyturn.domain.flows.values import MASK, Bound, Value, seen
from keyturn.domain.flows.walk import Act, Allowance, Ask, End, Load, Open, Sent, Sleep, Walk

TEMPLATES = {each.name: each.text for each in list_templates()}


async def walk_template(it: Workshop, name: str, start: Value) -> End:
    """Walk a template to its end; those that it runs are templates, too."""
    walk = Walk(Allowance(), it.rig.clock.now)
    course = walk.course(
        read_flow(TEMPLATES[name]), seen(start), run=seen({"id": "r", "flow": name})
    )
    try:
        ask = next(course)
        while True:
            try:
                sent = await _answer(it, ask)
            except CardFailure as failure:
                ask = course.throw(failure)
            else:
                ask = course.send(sent)
    except StopIteration as stop:
        it.steps += walk.steps
        end: End = stop.value
        return end


async def returned(it: Workshop, name: str, start: Value) -> Any:  # noqa: ANN401
    """Walk a template that must not fail, and return what it returns."""
    end = await walk_template(it, name, start)
    assert end.failure is None, end.failure
    return end.response.body.value


def inputs(**given: Value) -> Value:
    """Return what a helper starts with."""
    return {"inputs": dict(given)}


async def _answer(it: Workshop, ask: Ask) -> Sent:
    match ask:
        case Act():
            return await it.perform(ask)
        case Open(flow=flow, names=names):
            values: dict[str, Value] = {each: it.secrets[flow.secrets[each]] for each in names}
            return Bound(values, dict.fromkeys(values, MASK))
        case Load(name=name):
            return read_flow(TEMPLATES[name])
        case Sleep(pause_s=pause_s):
            await it.rig.live(pause_s)
            return None
        case _:
            return None
