"""How the flows that use a connection are told at a terminal."""

from datetime import UTC, datetime

import pytest

from keyturn.cli.usage import tree_of
from keyturn.wire.usage import UsageAnswer, UsedConnection, UsedFlow, UsedRegistration

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
FLOW = UsedFlow(
    id="f",
    name="nightly",
    enabled=True,
    start="schedule",
    alias="0" * 32,
    next_at=AT,
    through=(),
    ran_at=AT,
    ended="failed",
)


def told(flow: UsedFlow) -> str:
    """Return the line of a flow in the tree of what uses a connection."""
    one = UsedConnection.model_construct(
        name="crm", light="healthy", reasons=(), fails_at=None, aliases=(), flows=(flow,)
    )
    registration = UsedRegistration.model_construct(
        name="web",
        environment="dev",
        secret_path="/",
        standing="accepted",
        version=1,
        proved_version=1,
        connections=(one,),
        consumers=(),
    )
    used = UsageAnswer(rotation=None, registrations=(registration,), readers=(), destinations=())
    return tree_of(used)[-1].strip(" │├└─")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {},
            "flow nightly (schedule, next 2026-01-02 03:04 UTC): ran 2026-01-02 03:04 UTC, failed",
        ),
        (
            {"next_at": None, "start": "api_endpoint", "enabled": False, "ran_at": None},
            "flow nightly (api endpoint, switched off): has not run",
        ),
        (
            {"next_at": None, "start": "helper", "through": ("a", "b"), "ran_at": None},
            "flow nightly by a, b (helper): has not run",
        ),
    ],
)
def test_a_flow_is_told_with_what_starts_it_and_how_it_ran(
    change: dict[str, object], line: str
) -> None:
    """And with the flows by which it uses the connection, where it does not itself."""
    assert told(FLOW.model_copy(update=change)) == line
