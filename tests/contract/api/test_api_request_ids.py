"""One id from the caller's hands to the last line of the log."""

import re
from collections.abc import Iterator

import pytest
import structlog
from api_kit import ROTATIONS, House
from structlog.testing import LogCapture

UUID = re.compile(r"[0-9a-f-]{36}")
OURS = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    """Keep what is logged, as lines would carry it."""
    before, kept = structlog.get_config(), LogCapture()
    structlog.contextvars.clear_contextvars()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, kept])
    yield kept
    structlog.configure(**before)


async def test_an_id_that_a_caller_sends_is_kept(house: House) -> None:
    """The answer carries it, and so does the body of an error."""
    answer = await house.http.get("/api/v1/nowhere", headers={"x-request-id": OURS})
    assert answer.headers.get_list("x-request-id") == [OURS]
    assert answer.json()["reqId"] == OURS


@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 129, 'a"b{}----', "a\tb------", "-leading-dash", "é" * 10]
)
async def test_an_id_that_is_none_is_replaced(house: House, sent: str) -> None:
    """What could break a line, or is too short to tell anything apart, is not taken."""
    headers = {"x-request-id": sent.encode()}
    answer = await house.http.get("/healthz", headers=headers)  # type: ignore[arg-type]  # bytes
    assert UUID.fullmatch(answer.headers["x-request-id"])


async def test_every_line_of_a_request_carries_its_id(logged: LogCapture, house: House) -> None:
    """Also what is logged deep inside, of the turn that the request asked for."""
    rotation = (await house.rotate_by_order())["id"]
    logged.entries.clear()
    path = f"{ROTATIONS}/{rotation}/rotate-secrets"
    await house.http.post(path, headers={"x-request-id": OURS})
    assert {line["event"] for line in logged.entries} >= {"turn", "request"}
    assert {line["req_id"] for line in logged.entries} == {OURS}


async def test_lines_of_a_turn_carry_oktas_request_ids(logged: LogCapture, house: House) -> None:
    """Whoever asks Okta's support finds the call; no line carries the value."""
    rotation = (await house.rotate_by_order())["id"]
    await house.http.post(f"{ROTATIONS}/{rotation}/rotate-secrets")
    steps = [line for line in logged.entries if line["event"] == "turn"]
    assert [line["did"] for line in steps][:4] == ["write", "issue", "verify", "promote"]
    assert {line["rotation"] for line in steps} == {rotation}
    issue = next(line for line in steps if line["did"] == "issue")
    known = [
        step["requestId"]
        for turn in (await house.http.get(f"{ROTATIONS}/{rotation}/turns")).json()["turns"]
        for step in turn["steps"]
    ]
    assert set(issue["okta"]) <= set(known)
    assert issue["okta"]
    assert await house.served() not in str(logged.entries)
