"""What an admin is told to do in Okta Workflows, and what is ticked off."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from keyturn.cli.turn_plan import plan_of_a_turn
from keyturn.cli.workflows import checklist, checklist_of_turn, steps_in_workflows
from keyturn.wire.registrations import Consumer
from keyturn.wire.rotations import Rotation
from keyturn.wire.turns import Held, Turn
from keyturn.wire.usage import UsageAnswer, UsedRegistration

AT = datetime(2026, 11, 21, 12, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 12, 7, tzinfo=UTC)
ROTATION = Rotation.model_construct(
    name="app",
    type="okta-client-secret",
    okta_app_id="0oa1",
    overlap_policy="evidence",
    overlap_seconds=300,
    backstop_seconds=900,
    soak_seconds=600,
    read_system_log=True,
    environment=SimpleNamespace(slug="prod"),
    folder=SimpleNamespace(path="/flows"),
    secrets_mapping=SimpleNamespace(client_secret="OKTA_CLIENT_SECRET"),
)
PROD = Consumer.model_construct(
    name="flows", adoption="restart", required=True, confirmed_version=1, confirmed_at=AT
).model_copy(update={"workflows_connection": "Okta prod"})
OTHER = PROD.model_copy(update={"name": "etl", "workflows_connection": None})


def used(*consumers: Consumer, readable: bool | None = True) -> UsageAnswer:
    """Return what hangs on the secret."""
    registration = UsedRegistration.model_construct(
        name="workflows",
        environment="prod",
        secret_path="/flows",
        standing="accepted",
        version=1,
        proved_version=1,
        connections=(),
        consumers=consumers,
    )
    return UsageAnswer.model_construct(
        rotation=None,
        registrations=(registration,),
        readers=(),
        destinations=(),
        log_readable=readable,
    )


def test_the_plan_says_what_is_clicked_and_what_proves_it() -> None:
    """Where the secret is found, which connection, and what the log has to show."""
    lines = plan_of_a_turn(ROTATION, used(PROD, OTHER), emergency=False)
    text = "\n".join(lines)
    read = "keyturn secret get OKTA_CLIENT_SECRET --env prod --path /flows --acknowledge"
    assert read in text
    assert 'at "Okta prod" (consumer flows)' in text
    assert "workflows.user.connection.create or .reauthorize of that name" in text
    assert "keyturn registration consumer confirm workflows flows" in text
    assert "consumer flows has the old one until an admin puts the new one in" in text
    assert "etl (consumer" not in text


def test_without_such_a_connection_nothing_is_said() -> None:
    """Neither in a plan nor beneath a turn."""
    assert steps_in_workflows(ROTATION, used(OTHER)) == []
    assert checklist([OTHER], 2) == []


@pytest.mark.parametrize(
    ("policy", "readable", "emergency", "why"),
    [
        ({}, False, False, "its access lacks okta.logs.read"),
        ({"read_system_log": False}, None, False, "the policy has no System Log read"),
        ({"overlap_policy": "fixed"}, None, False, "nothing waits for it in such a turn"),
        ({}, True, True, "nothing waits for it in such a turn"),
    ],
)
def test_where_the_log_cannot_tell_the_plan_says_why(
    policy: dict[str, object], *, readable: bool | None, emergency: bool, why: str
) -> None:
    """Then only somebody's word counts."""
    one = ROTATION.model_copy(update=policy)
    lines = steps_in_workflows(one, used(PROD, readable=readable), emergency=emergency)
    assert f"Keyturn cannot see it: {why}" in "\n".join(lines)
    assert "/api/v1/logs" not in "\n".join(lines)


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
