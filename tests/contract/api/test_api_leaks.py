"""Leak reports over HTTP: from what GitHub has found to the secret that Okta refuses."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from api_kit import NO_ID, PUBLIC_URL, House, problem
from cryptography.hazmat.primitives.asymmetric import ec
from identity_kit import ask, bearer, newcomer
from leak_report_kit import SEEN, GitHub, headers, message, signature
from mail_kit import HttpSink, notifier_of
from notice_kit import KEY

from keyturn.api.app import build_api
from keyturn.api.bodylimit import BODY_MAX
from keyturn.domain.audit import AuditEntry, AuditFilter
from keyturn.domain.leaks import LeakReport
from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import build_app
from keyturn.services.dispatching import bring_due
from keyturn.services.duties import claim_due
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.journey import advance
from keyturn.services.leaks_under_way import follow_leaks

LEAKS = "/api/v1/leaks"
HOOK = "people.example.com"


@pytest.fixture
async def scanned(house: House) -> AsyncIterator[House]:
    """Give a house that takes what GitHub has found."""
    world = GitHub().scanned(house.world)
    api = httpx2.ASGITransport(build_api(world, version="0"))
    async with httpx2.AsyncClient(
        transport=api, base_url=PUBLIC_URL, headers=house.http.headers
    ) as http:
        yield replace(house, world=world, http=http)


async def sent(house: House, body: bytes, **changed: str) -> httpx2.Response:
    """Send what GitHub has found, without a token; return the answer."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(build_api(house.world, version="0")), base_url=PUBLIC_URL
    ) as http:
        return await http.post(f"{LEAKS}/github", content=body, headers=headers(body) | changed)


async def leaks(house: House) -> list[Any]:
    """Return the reports, the newest first."""
    found: list[Any] = (await house.http.get(LEAKS)).json()["leaks"]
    return found


async def report(house: House, **given: object) -> Any:  # noqa: ANN401  JSON
    """Report a leak as administrator."""
    answer = await house.http.post(LEAKS, json={"reports": [{"where": SEEN} | given]})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def carry(house: House) -> None:
    """Let the workers do what is due, for a while."""
    for _ in range(10):
        await follow_leaks(house.world)
        await carry_emergencies(house.world)
        for claim in await claim_due(house.world, owner="test", limit=10):
            await advance(house.world, claim.turn, held_since_s=claim.held_since_s)
        house.clock.advance(60)


async def authenticated(house: House, value: str) -> int:
    """Authenticate at the org by a client secret; return the status."""
    form = {"grant_type": "refresh_token", "refresh_token": "junk", "scope": "openid"}
    client_id = house.org.read_app(house.app_id).client_id
    way = httpx2.ASGITransport(build_app(house.org))
    async with httpx2.AsyncClient(transport=way, base_url="https://org.example.com") as http:
        answer = await http.post("/oauth2/v1/token", data=form, auth=(client_id, value))
    return answer.status_code


async def test_what_github_finds_is_told_closed_and_refused(scanned: House) -> None:
    """From its signed message to a program that is told, an emergency, and Okta's own refusal."""
    sink = HttpSink()
    house = replace(scanned, world=replace(scanned.world, notifier=notifier_of(sink)))
    await house.rotate_by_order()
    channel = {"name": "hook", "kind": "webhook", "settings": {"url": f"https://{HOOK}/"}}
    await ask(house, "POST", "/api/v1/channels", {**channel, "credential": {"secret": KEY}})
    value = await house.served()
    answer = await sent(house, message(value, "not-one-of-ours"))
    assert answer.status_code == 200
    told = [(each["token_type"], each["label"]) for each in answer.json()]
    assert told == [("okta", "true_positive"), ("okta", "false_positive")]
    assert value not in answer.text
    _, one = await leaks(house)
    assert (one["source"], one["state"], one["which"]) == ("github", "open", "current")
    assert (one["appId"], one["where"], one["note"]) == (house.app_id, SEEN, "okta in content")
    await bring_due(house.world)
    [heard] = [each for each in sink.told(HOOK) if each["type"] == "secret.leaked"]
    assert heard["data"]["subject"]["id"] == one["id"]
    assert await authenticated(house, value) == 400
    body = {"reason": "it is on GitHub"}
    begun = (await house.http.post(f"{LEAKS}/{one['id']}/emergency", json=body)).json()
    await carry(house)
    assert await authenticated(house, value) == 401
    after = (await house.http.get(f"{LEAKS}/{one['id']}")).json()["leak"]
    assert (after["state"], after["emergencyId"]) == ("closed", begun["emergency"]["id"])
    assert begun["emergency"]["name"] in after["endedWhy"]


async def test_a_message_that_comes_again_changes_nothing(scanned: House) -> None:
    """Whoever replays it is told what GitHub was told, and nobody else is."""
    await scanned.rotate_by_order()
    body = message(await scanned.served())
    first, again = await sent(scanned, body), await sent(scanned, body)
    assert first.json() == again.json()
    assert len(await leaks(scanned)) == 1


async def test_what_github_has_not_signed_is_refused_and_noted_once(scanned: House) -> None:
    """Another key, another body, an unknown key, and none; a flood is one entry a minute."""
    body, other = message("x" * 20), ec.generate_private_key(ec.SECP256R1())
    for changed in (
        {"github-public-key-signature": signature(body, other)},
        {"github-public-key-signature": signature(body + b" ")},
        {"github-public-key-signature": ""},
        {"github-public-key-identifier": "two"},
        {"github-public-key-identifier": ""},
    ):
        assert problem(await sent(scanned, body, **changed)) == (401, "UnauthorizedError")
    entries = await noted(scanned)
    assert [each.attempt.allowed for each in entries] == [False]
    assert entries[0].attempt.actor == "nobody"
    assert await leaks(scanned) == []


async def noted(house: House) -> list[AuditEntry]:
    """Return the entries about reports of nobody."""
    async with house.world.store.reading() as tx:
        found = await tx.list_audit(wanted=AuditFilter(verb="leaks:report"), limit=100)
    return [*found]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b"null",
        b'[{"token": 1, "type": "t"}]',
        b'[{"token": "", "type": "t"}]',
        b"[" * 5000,
        b"\xff",
        json.dumps([{"token": "canary-x" * 2000, "type": "t"}]).encode(),
        message(*["x"] * 1001),
    ],
)
async def test_a_signed_message_that_is_none_is_refused(scanned: House, body: bytes) -> None:
    """Its sender is told the form, and nothing of what it sent."""
    answer = await sent(scanned, body)
    assert problem(answer) == (422, "ValidationFailure")
    assert "canary" not in answer.text
    assert await leaks(scanned) == []


async def test_a_message_may_be_empty_or_large_but_not_too_large(scanned: House) -> None:
    """A thousand values are looked at; more than a megabyte is not even read."""
    assert (await sent(scanned, b"[]")).json() == []
    many = [f"value-number-{n}" for n in range(1000)]
    answer = await sent(scanned, message(*many))
    assert {each["label"] for each in answer.json()} == {"false_positive"}
    big = b" " * (BODY_MAX + 1)
    assert problem(await sent(scanned, big))[0] == 413


async def test_without_the_setting_nothing_of_githubs_is_taken(house: House) -> None:
    """Whoever tries is told which setting is missing."""
    answer = await sent(house, message("x" * 20))
    assert problem(answer) == (404, "NotFound")
    assert "KEYTURN_GITHUB_KEYS_URL" in answer.text


async def test_a_program_that_may_only_report_gets_the_same_answer_always(house: House) -> None:
    """Byte for byte, and header for header but for the request's own id."""
    await house.rotate_by_order()
    value = await house.served()
    role = {"slug": "scanner", "grants": [{"verbs": ["leaks:report"]}]}
    await ask(house, "POST", "/api/v1/roles", role)
    _, token = await newcomer(house, ("scanner", None), name="scanner")
    answers = []
    for beginning in (value[:20], value[:19] + "~", "nothing-begins-so"):
        body = {"reports": [{"prefix": beginning, "where": "here"}]}
        answers.append(await house.http.post(LEAKS, json=body, headers=bearer(token)))
        house.clock.advance(10)
    assert {each.content for each in answers} == {b'{"received":1,"reports":null}'}
    shown = [{**each.headers, "x-request-id": ""} for each in answers]
    assert shown[0] == shown[1] == shown[2]
    assert len(await leaks(house)) == 2
    for path in (LEAKS, f"{LEAKS}/{(await leaks(house))[0]['id']}"):
        assert (await house.http.get(path, headers=bearer(token))).status_code == 403


async def test_reports_are_taken_in_listed_and_ended(house: House) -> None:
    """By hash, value and beginning; what cannot be done is told."""
    await house.rotate_by_order()
    value = await house.served()
    answer = await report(house, value=value, note="in a chat")
    [one] = answer["reports"]
    assert (answer["received"], one["state"], one["note"]) == (1, "open", "in a chat")
    assert (await report(house, hash=secret_hash(Sensitive(value))))["reports"] == [one]
    assert (await report(house, prefix=value[:12]))["reports"] == [one]
    assert value[:12] not in json.dumps(await leaks(house))
    open_ones = await house.http.get(LEAKS, params={"state": "unknown"})
    assert open_ones.json() == {"leaks": []}
    end = f"{LEAKS}/{one['id']}/end"
    ended = (await house.http.post(end, json={"reason": "a test", "falseAlarm": True})).json()
    assert (ended["leak"]["state"], ended["leak"]["endedWhy"]) == ("false_alarm", "a test")
    assert problem(await house.http.post(end, json={"reason": "again"}))[0] == 400
    emergency = await house.http.post(f"{LEAKS}/{one['id']}/emergency", json={"reason": "x"})
    assert problem(emergency)[0] == 400
    assert problem(await house.http.get(f"{LEAKS}/{NO_ID}"))[0] == 404
    assert problem(await house.http.get(LEAKS, params={"limit": 0}))[0] == 422


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"value": "a-value-that-leaks", "hash": "x" * 22},
        {"prefix": "eleven-char"},
        {"hash": "x"},
        {"value": ""},
        {"value": 7},
        {"hash": "x" * 22, "where": "x" * 2001},
    ],
)
async def test_a_report_that_does_not_fit_is_refused(house: House, given: object) -> None:
    """With the field and its rule, and nothing of a value."""
    answer = await house.http.post(LEAKS, json={"reports": [given]})
    assert problem(answer) == (422, "ValidationFailure")
    assert "a-value" not in answer.text
    assert "eleven" not in answer.text
    async with house.world.store.reading() as tx:
        assert await tx.list(LeakReport) == []


async def test_who_guesses_is_told_to_wait(house: House) -> None:
    """How long, too."""
    body = {"reports": [{"prefix": "x" * 12}]}
    assert (await house.http.post(LEAKS, json=body)).status_code == 200
    held = await house.http.post(LEAKS, json=body)
    assert problem(held)[0] == 429
    assert int(held.headers["retry-after"]) == 5
