"""What a turn is said to do: each call at Okta, and what becomes of each that uses the secret."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from kinds_kit import settled
from rig import rigged

from keyturn.cli.turn_plan import plan_of_a_turn, steps_of_a_turn
from keyturn.domain.oauth.connection import GrantType, State
from keyturn.domain.oauth.consumers import Adoption
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import Overlap, Policy
from keyturn.services.plans import AT_ONCE, LOGS, TurnPlan, plan_of, plan_turn
from keyturn.services.rotations import view
from keyturn.services.usage import Usage
from keyturn.wire import plans as wire
from keyturn.wire.usage import UsageAnswer

POLICY = Policy(300, 600, overlap=Overlap.EVIDENCE, backstop_s=900, log=True)


def connection(name: str, state: State, grant: GrantType = GrantType.CODE) -> SimpleNamespace:
    """Return a connection in a state."""
    return SimpleNamespace(connection=SimpleNamespace(name=name, state=state, grant_type=grant))


def consumer(name: str, adoption: Adoption, *, required: bool = True) -> SimpleNamespace:
    """Return a consumer that takes a new secret up in its way."""
    return SimpleNamespace(name=name, adoption=adoption, required=required, workflows=None)


def registration(name: str, *connections: SimpleNamespace) -> SimpleNamespace:
    """Return a registration with its connections and consumers of every sort."""
    others = (
        consumer("etl", Adoption.LIVE),
        consumer("apache", Adoption.RELOAD),
        consumer("batch", Adoption.RESTART, required=False),
    )
    return SimpleNamespace(
        view=SimpleNamespace(registration=SimpleNamespace(name=name)),
        connections=connections,
        consumers=others if connections else (),
    )


EVERY = (
    connection("crm", State.READY),
    connection("new", State.NEW),
    connection("own", State.READY, GrantType.NONE),
)
USED = Usage(
    None, [registration("workflows", *EVERY), registration("idle")], ("ci", "cd"), ("hook",)
)

RENEWS = "its next renewal uses the new one, and nobody consents again"
BEGINS, WAITS = (
    "; the overlap begins once it has",
    "; the overlap waits until it has confirmed that",
)
FATES = [
    "readers (ci, cd) are given the new one by their next read",
    f"destination hook is brought the new one, and confirms it{BEGINS}",
    f"client registration workflows proves the new one at its server{BEGINS}",
    f"connection crm goes on with its tokens; {RENEWS}",
    "connection new waits for whoever authorizes it, as it does now",
    "connection own uses the new one with its next request",
    f"consumer etl has the new one with its next use{WAITS}",
    f"consumer apache has the old one until it is reloaded{WAITS}",
    "consumer batch has the old one until it is restarted; nothing waits for it",
    "client registration idle proves the new one at its server; nothing waits for that",
]


def told(*, emergency: bool = False, **policy: object) -> TurnPlan:
    """Return the plan of a turn."""
    web = SimpleNamespace(kind=CredentialKind.CLIENT_SECRET, policy=replace(POLICY, **policy))
    web.app_id = "0oa1"
    return plan_of(SimpleNamespace(rotation=web), USED, emergency=emergency)


def calls(plan: TurnPlan) -> list[str]:
    """Return the calls of a plan, in order."""
    return [call for step in plan.steps for call in step.calls]


def test_what_becomes_of_each_is_said() -> None:
    """How it comes to the new secret, and whether the turn waits for that."""
    assert told().fates == FATES


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        (Overlap.FIXED, "Both work for 5 minutes; then"),
        (Overlap.UNTIL_NEXT, "Both work until the next turn is due, 5 minutes at least; then"),
        (
            Overlap.EVIDENCE,
            "Both work until nobody uses the old one any more, 5 minutes to 15 minutes; then",
        ),
    ],
)
def test_a_consumer_is_waited_for_on_evidence_alone(policy: Overlap, waits: str) -> None:
    """By the clock, it has as long as that takes."""
    plan = told(overlap=policy)
    assert plan.waits.startswith(waits)
    named = "overlap waits until it has confirmed" in "\n".join(plan.fates)
    assert named is (policy is Overlap.EVIDENCE)


def test_an_emergency_waits_for_nothing() -> None:
    """Neither for destinations and registrations, nor for a soak."""
    plan = told(emergency=True)
    assert plan.waits == AT_ONCE
    text = "\n".join([*plan.fates, *(f"{step.told} {step.then}" for step in plan.steps)])
    assert not re.search("soak|overlap begins|overlap waits|/api/v1/logs", text)


def test_the_log_is_told_of_where_it_is_read() -> None:
    """And nowhere else."""
    assert told().steps[-1].then == LOGS
    assert told(log=False).steps[-1].then == ""


@pytest.mark.parametrize("kind", [*CredentialKind])
async def test_a_turn_makes_the_calls_that_were_told(kind: CredentialKind) -> None:
    """And no other, from the first to the last."""
    async with rigged() as rig:
        made = await settled(rig, kind)
        plan = await plan_turn(rig.world, rig.admin, made.rotation_id)
        rig.calls()
        await made.begin()
        await made.finish()
        asked = {f"{one['method']} {one['path']}" for one in rig.calls()}
    assert {re.sub("/(ocs|pks)[^/]+", "/ID", each) for each in asked} == {*calls(plan)}


async def test_a_plan_changes_nothing() -> None:
    """Neither at Okta, which is not even asked, nor of the rotation."""
    async with rigged() as rig:
        made = await settled(rig, CredentialKind.CLIENT_SECRET)
        rig.calls()
        plan = await plan_turn(rig.world, rig.admin, made.rotation_id, emergency=True)
        after = await view(rig.world, made.rotation_id)
        assert rig.calls() == []
    assert after == plan.of


def test_the_command_line_shows_steps_calls_and_fates() -> None:
    """One after the other, each call at its step; what a stranger named moves no cursor."""
    plan = wire.TurnPlan.model_construct(
        rotation_name="web",
        app_id="0oa1",
        steps=(
            wire.PlannedStep(told="list", calls=("GET /a", "POST /b"), then=None),
            wire.PlannedStep(told="prove", calls=(), then="then it is served"),
        ),
        fates=("reader a\x1b[2J",),
        by_hand=(wire.StepByHand(told="opens", more=("that",)),),
        waits="Both work.",
        usage=UsageAnswer.model_construct(
            rotation=None, registrations=(), readers=(), destinations=()
        ),
    )
    lines = plan_of_a_turn(plan)
    assert lines[:5] == [
        "A turn of web (app 0oa1) will, at Okta:",
        "  1. list",
        "       GET /a, POST /b",
        "  2. prove",
        "     (then it is served)",
    ]
    assert lines[lines.index("Then:") + 1].startswith("  - reader a")
    assert "\x1b" not in "".join(lines)
    assert lines[-4:] == ["  1. opens", "       that", "Both work.", "Nothing was changed."]


@pytest.mark.parametrize("kind", [*CredentialKind])
def test_without_an_app_the_steps_alone_are_told(kind: CredentialKind) -> None:
    """Of every type; what follows for readers is said with them."""
    lines = steps_of_a_turn(kind.value)
    assert [line[:5] for line in lines] == ["  1. ", "  2. ", "  3. ", "     ", "  4. ", "  5. "]
