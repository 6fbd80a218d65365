"""What an admin is told to do in Okta Workflows, and what is ticked off."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from keyturn.cli.workflows import checklist, checklist_of_turn
from keyturn.domain.oauth.consumers import Adoption
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import Overlap, Policy
from keyturn.services.plans import TurnPlan, plan_of
from keyturn.services.usage import Usage
from keyturn.wire.registrations import Consumer
from keyturn.wire.turns import Held, Turn
from keyturn.wire.usage import UsageAnswer, UsedRegistration

AT = datetime(2026, 11, 21, 12, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 12, 7, tzinfo=UTC)
POLICY = Policy(300, 600, overlap=Overlap.EVIDENCE, backstop_s=900, log=True)
PROD = Consumer.model_construct(
    name="flows", adoption="restart", required=True, confirmed_version=1, confirmed_at=AT
).model_copy(update={"workflows_connection": "Okta prod"})
OTHER = PROD.model_copy(update={"name": "etl", "workflows_connection": None})
INSIDE = SimpleNamespace(name="flows", workflows="Okta prod", required=True)
OUTSIDE = SimpleNamespace(name="etl", workflows=None, required=True, adoption=Adoption.RESTART)


def planned(*consumers: object, readable: bool | None = True, **policy: object) -> TurnPlan:
    """Return the plan of a turn whose secret these use."""
    emergency = bool(policy.pop("emergency", False))
    of = SimpleNamespace(
        rotation=SimpleNamespace(
            kind=CredentialKind.CLIENT_SECRET,
            app_id="0oa1",
            policy=replace(POLICY, **policy),
            mapping=SimpleNamespace(client_secret="OKTA_CLIENT_SECRET"),
        ),
        place=SimpleNamespace(
            environment=SimpleNamespace(slug="prod"), folder=SimpleNamespace(path="/flows")
        ),
    )
    registration = SimpleNamespace(
        view=SimpleNamespace(registration=SimpleNamespace(name="workflows")),
        connections=(),
        consumers=consumers,
    )
    return plan_of(of, Usage(None, [registration], log_readable=readable), emergency=emergency)


def said(plan: TurnPlan) -> str:
    """Return what is to be done by hand."""
    return "\n".join(line for step in plan.by_hand for line in (step.told, *step.more))


def used(*consumers: Consumer) -> UsageAnswer:
    """Return what hangs on the secret."""
    registration = UsedRegistration.model_construct(name="workflows", consumers=consumers)
    return UsageAnswer.model_construct(registrations=(registration,))


def test_the_plan_says_what_is_clicked_and_what_proves_it() -> None:
    """Where the secret is found, which connection, and what the log has to show."""
    plan = planned(INSIDE, OUTSIDE)
    text = said(plan)
    read = "keyturn secret get OKTA_CLIENT_SECRET --env prod --path /flows --acknowledge"
    assert read in text
    assert 'at "Okta prod" (consumer flows)' in text
    assert "workflows.user.connection.create or .reauthorize of that name" in text
    assert "keyturn registration consumer confirm workflows flows" in text
    assert any("flows has the old one until an admin puts the new one in" in f for f in plan.fates)
    assert "etl (consumer" not in text


def test_without_such_a_connection_nothing_is_said() -> None:
    """Neither in a plan nor beneath a turn."""
    assert planned(OUTSIDE).by_hand == ()
    assert checklist([OTHER], 2) == []


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"readable": False}, "its access lacks okta.logs.read"),
        ({"readable": None, "log": False}, "the policy has no System Log read"),
        ({"overlap": Overlap.FIXED}, "nothing waits for it in such a turn"),
        ({"emergency": True}, "nothing waits for it in such a turn"),
    ],
)
def test_where_the_log_cannot_tell_the_plan_says_why(policy: dict[str, object], why: str) -> None:
    """Then only somebody's word counts."""
    text = said(planned(INSIDE, **policy))
    assert f"Keyturn cannot see it: {why}" in text
    assert "/api/v1/logs" not in text


def ticks(**seen: object) -> list[str]:
    """Return the checklist of one connection for the second version."""
    return checklist([PROD.model_copy(update=seen)], 2)[2:]


def test_what_was_seen_is_ticked_off_with_its_time() -> None:
    """A try is one tick, and a grant the other; what is lacking is said."""
    assert ticks()[:2] == [
        "    [ ] created or reauthorized",
        "    [ ] granted tokens for the new secret",
    ]
    tried = {"judged_version": 2, "touched_at": AT, "lacks": "no token was granted"}
    assert ticks(**tried) == [
        "    [x] created or reauthorized, 2026-11-21 12:05:00 UTC",
        "    [ ] granted tokens for the new secret",
        "        no token was granted",
    ]
    done = {"confirmed_version": 2, "confirmed_at": LATER, "confirmed_by": "log", "lacks": ""}
    assert ticks(**tried | done)[1:] == [
        "    [x] granted tokens for the new secret, 2026-11-21 12:07:00 UTC"
    ]
    assert ticks(**tried | done | {"confirmed_by": "word"}) == [
        "    [x] confirmed by word, 2026-11-21 12:07:00 UTC"
    ]


def test_what_was_seen_of_an_earlier_version_is_not_ticked() -> None:
    """Every turn begins with an empty list."""
    earlier = {"judged_version": 1, "touched_at": AT, "confirmed_by": "log"}
    assert [line.strip()[:3] for line in ticks(**earlier)[:2]] == ["[ ]", "[ ]"]


@pytest.mark.parametrize(
    ("phase", "shown"), [("issued", False), ("overlapping", True), ("finished", False)]
)
def test_a_turn_shows_the_list_while_it_overlaps(phase: str, *, shown: bool) -> None:
    """Before that nobody can do anything, and after that nothing waits."""
    new = Held(hash="h", okta_id="ocs", version=2)
    turn = Turn.model_construct(phase=phase, new=new)
    assert bool(checklist_of_turn(turn, used(PROD))) is shown
