"""What a turn is said to do: each call at Okta, and what becomes of each that uses the secret."""

import re
from collections.abc import Mapping

import pytest
from kinds_kit import settled
from rig import rigged

from keyturn.cli.turn_plan import plan_of_a_turn, steps_of_a_turn
from keyturn.domain.okta import CredentialKind
from keyturn.wire.registrations import Consumer
from keyturn.wire.rotations import Rotation
from keyturn.wire.usage import UsageAnswer, UsedConnection, UsedRegistration

WEB = Rotation.model_construct(
    name="web",
    type="okta-client-secret",
    okta_app_id="0oa1",
    overlap_policy="evidence",
    overlap_seconds=300,
    backstop_seconds=900,
    soak_seconds=600,
    read_system_log=True,
)


def connection(name: str, state: str, grant: str = "authorization_code") -> UsedConnection:
    """Return a connection in a state."""
    told: Mapping[str, object] = {"name": name, "state": state, "grant_type": grant}
    return UsedConnection.model_construct(
        light="healthy", fails_at=None, reasons=(), aliases=()
    ).model_copy(update=told)


def consumer(name: str, adoption: str, *, required: bool = True) -> Consumer:
    """Return a consumer that takes a new secret up in its way."""
    return Consumer.model_construct(confirmed_version=1).model_copy(
        update={"name": name, "adoption": adoption, "required": required}
    )


def registration(name: str, *connections: UsedConnection) -> UsedRegistration:
    """Return a registration with its connections and consumers of every sort."""
    others = (
        consumer("etl", "live"),
        consumer("apache", "reload"),
        consumer("batch", "restart", required=False),
    )
    return UsedRegistration.model_construct(
        name=name,
        environment="dev",
        secret_path="/",
        standing="accepted",
        version=1,
        proved_version=1,
        connections=connections,
        consumers=others if connections else (),
    )


EVERY = (connection("crm", "ready"), connection("new", "new"), connection("own", "ready", "none"))
USED = UsageAnswer.model_construct(
    rotation=None,
    registrations=(registration("workflows", *EVERY), registration("idle")),
    readers=("ci", "cd"),
    destinations=("hook",),
)


RENEWS = "its next renewal uses the new one, and nobody consents again"
BEGINS, WAITS = (
    "; the overlap begins once it has",
    "; the overlap waits until it has confirmed that",
)
FATES = [
    "  - readers (ci, cd) are given the new one by their next read",
    f"  - destination hook is brought the new one, and confirms it{BEGINS}",
    f"  - client registration workflows proves the new one at its server{BEGINS}",
    f"  - connection crm goes on with its tokens; {RENEWS}",
    "  - connection new waits for whoever authorizes it, as it does now",
    "  - connection own uses the new one with its next request",
    f"  - consumer etl has the new one with its next use{WAITS}",
    f"  - consumer apache has the old one until it is reloaded{WAITS}",
    "  - consumer batch has the old one until it is restarted; nothing waits for it",
    "  - client registration idle proves the new one at its server; nothing waits for that",
]


def told(*, emergency: bool = False, **changes: object) -> list[str]:
    """Return the plan of a turn."""
    return plan_of_a_turn(WEB.model_copy(update=changes), USED, emergency=emergency)


def calls(lines: list[str]) -> list[str]:
    """Return what the steps of a plan are made by."""
    return [line.strip() for line in lines if re.match(" {7}[A-Z]+ /", line)]


def test_what_becomes_of_each_is_said() -> None:
    """How it comes to the new secret, and whether the turn waits for that."""
    lines = told()
    assert lines[lines.index("Then:") + 1 : -2] == FATES


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        ("fixed", "Both work for 300 s; then"),
        ("until-next", "Both work until the next turn is due, 300 s at least; then"),
        ("evidence", "Both work until nobody uses the old one any more, 300 to 900 s; then"),
    ],
)
def test_a_consumer_is_waited_for_on_evidence_alone(policy: str, waits: str) -> None:
    """By the clock, it has as long as that takes."""
    lines = told(overlap_policy=policy)
    assert lines[-2].startswith(waits)
    named = "overlap waits until it has confirmed" in "\n".join(lines)
    assert named is (policy == "evidence")


def test_an_emergency_waits_for_nothing() -> None:
    """Neither for destinations and registrations, nor for a soak."""
    text = "\n".join(told(emergency=True))
    assert "Nothing is waited for: the old one goes at once, whoever uses it." in text
    assert not re.search("soak|overlap begins|overlap waits|/api/v1/logs", text)


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("okta-client-secret", "/api/v1/apps/0oa1/credentials/secrets"),
        ("okta-api-service-secret", "/integrations/api/v1/api-services/0oa1/credentials/secrets"),
        ("okta-client-key", "/api/v1/apps/0oa1/credentials/jwks"),
        ("okta-connection-key", "/api/v1/apps/0oa1/credentials/jwks"),
    ],
)
def test_every_step_names_its_calls(kind: str, at: str) -> None:
    """Of every type; where no app is known yet, the steps alone are told."""
    lines = told(type=kind)
    listed, added, probed, *after = calls(lines)
    assert (listed, added) == (f"GET {at}", f"POST {at}")
    assert probed.startswith("POST /oauth2/v1/introspect")
    assert after == [f"GET {at}, POST {at}/ID/lifecycle/deactivate", f"DELETE {at}/ID"]
    assert len(steps_of_a_turn(kind)) == 6


@pytest.mark.parametrize("kind", [*CredentialKind])
async def test_a_turn_makes_the_calls_that_were_told(kind: CredentialKind) -> None:
    """And no other, from the first to the last."""
    async with rigged() as rig:
        made = await settled(rig, kind)
        rig.calls()
        await made.begin()
        await made.finish()
        asked = [f"{one['method']} {one['path']}" for one in rig.calls()]
    done = {re.sub("/0oa[^/]+", "/0oa1", re.sub("/(ocs|pks)[^/]+", "/ID", each)) for each in asked}
    assert done == set(", ".join(calls(told(type=kind.value))).split(", "))
