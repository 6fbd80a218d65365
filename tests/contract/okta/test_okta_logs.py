"""What the System Log tells of connections inside Okta Workflows, and of people who left."""

from datetime import UTC, datetime

import pytest
from okta_kit import START, ScriptedOkta, reply

from keyturn.domain.ids import SecretHash
from keyturn.domain.oauth.workflows import SecretUse, Touch, WorkflowsLog
from keyturn.domain.okta import Departure, Left

NEW, OLD = SecretHash("n" * 22), SecretHash("o" * 22)
AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def event(kind: str, result: str = "SUCCESS", **more: object) -> dict[str, object]:
    """Return an event as Okta shows it."""
    at = "2026-05-01T12:00:00.000Z"
    return {"published": at, "eventType": kind, "outcome": {"result": result}, **more}


def use(
    kind: str, used: str, result: str = "SUCCESS", agent: str = "x", grant: str = "refresh_token"
) -> dict[str, object]:
    """Return the event of a token request with a secret."""
    debug = {"debugData": {"clientSecret": used, "grantType": grant}}
    client = {"userAgent": {"rawUserAgent": agent}}
    return event(f"app.oauth2.{kind}", result, debugContext=debug, client=client)


def touch(*targets: tuple[str, str], result: str = "SUCCESS") -> dict[str, object]:
    """Return the event of a connection that was reauthorized."""
    named = [{"type": kind, "displayName": name} for kind, name in targets]
    return event("workflows.user.connection.reauthorize", result, target=named)


async def read(okta: ScriptedOkta, *events: object) -> WorkflowsLog:
    """Read what the log tells."""
    org = okta.script(reply(200, [*events]))
    return await org.read_workflows(NEW, OLD, since=START)


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ([("User", "Una"), ("App", "Okta"), ("WorkflowsConnection", "Okta prod")], ("Okta prod",)),
        ([("User", "Una"), ("App", "Okta"), ("Unheard", "Okta prod")], ("Okta", "Okta prod")),
        ([], ()),
    ],
)
async def test_a_connection_is_named_by_a_target(
    okta: ScriptedOkta, targets: list[tuple[str, str]], names: tuple[str, ...]
) -> None:
    """By one that says that it is a connection; else by any that is no person."""
    assert (await read(okta, touch(*targets))).touches == (Touch(AT, names),)


async def test_what_went_wrong_at_the_console_is_left_out(okta: ScriptedOkta) -> None:
    """Only what Okta calls a success was a try."""
    assert await read(okta, touch(("App", "Okta"), result="FAILURE")) == WorkflowsLog()


async def test_grants_of_the_new_secret_and_any_use_of_the_old_one_count(
    okta: ScriptedOkta,
) -> None:
    """But neither what was refused with the new one, nor what Keyturn did itself."""
    code = "authorization_code"
    log = await read(
        okta,
        use("token.grant.access_token", NEW, grant=code),
        use("as.token.grant.access_token", NEW),
        use("token.grant", NEW, "FAILURE"),
        use("token.revoke", NEW),
        use("token.grant.access_token", NEW, agent="keyturn"),
        use("token.grant.access_token", OLD),
        use("token.grant", OLD, "FAILURE"),
    )
    used = [SecretUse(AT, new=True, first=True), SecretUse(AT, new=True)]
    assert log.uses == (*used, SecretUse(AT, new=False), SecretUse(AT, new=False))


async def test_one_call_asks_for_all_of_it(okta: ScriptedOkta) -> None:
    """Both kinds of events, and both secrets by their hashes."""
    await read(okta)
    (asked,) = okta.asked
    for word in ("connection.create", "connection.reauthorize", NEW, OLD):
        assert word in asked


PEOPLE: dict[str, tuple[list[tuple[str, str]], Left | None]] = {
    "nothing is told": ([], None),
    "deactivated": ([("deactivate", "SUCCESS")], Left.DEACTIVATED),
    "suspended": ([("suspend", "SUCCESS"), ("activate", "SUCCESS")], Left.SUSPENDED),
    "deleted": ([("delete.initiated", "SUCCESS")], Left.DELETED),
    "back again": ([("unsuspend", "SUCCESS"), ("suspend", "SUCCESS")], None),
    "in vain": ([("deactivate", "FAILURE"), ("create", "SUCCESS")], None),
    "told otherwise": ([("update", "SUCCESS"), ("suspend", "SUCCESS")], Left.SUSPENDED),
}


@pytest.mark.parametrize("case", PEOPLE)
async def test_the_last_that_befell_a_person_counts(okta: ScriptedOkta, case: str) -> None:
    """The newest event comes first."""
    told, how = PEOPLE[case]
    events = [event(f"user.lifecycle.{what}", result) for what, result in told]
    found = await okta.script(reply(200, events)).find_departure("00u1", since=START)
    assert found == (Departure(how, AT) if how else None)


async def test_an_id_that_is_none_asks_nobody(okta: ScriptedOkta) -> None:
    """What a server calls somebody may be anything, and is no part of a filter."""
    assert await okta.script().find_departure('x" or "1" eq "1', since=START) is None
    assert okta.asked == []
