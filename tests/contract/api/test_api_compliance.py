"""Compliance over HTTP: policies, exceptions, findings, reports and evidence."""

import json
from typing import Any

import pytest
from api_kit import NO_ID, House, issues, problem

from keyturn.domain.compliance_reports import canonical, digest
from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.compliance_reports import report_due
from keyturn.services.inventory_keeping import keep_due

COMPLIANCE = "/api/v1/compliance"
POLICIES = f"{COMPLIANCE}/policies"
EXCEPTIONS = f"{COMPLIANCE}/exceptions"
REPORTS = f"{COMPLIANCE}/reports"
DAY_S = 86_400


async def read_inventory(house: House) -> None:
    """Have the org's apps be known, twenty days after they were made."""
    house.clock.advance(20 * DAY_S)
    await house.connect()
    assert (await house.http.post("/api/v1/inventory", json={})).status_code == 200
    for _ in range(10):
        await keep_due(house.world)
        house.clock.advance(60)


async def add(house: House, path: str, **fields: object) -> Any:  # noqa: ANN401  JSON
    """Make a policy or an exception, and return it."""
    answer = await house.http.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    [made] = answer.json().values()
    return made


async def read(house: House, path: str, **query: Any) -> Any:  # noqa: ANN401  JSON
    """Read something."""
    answer = await house.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_policies_are_made_changed_and_removed(house: House) -> None:
    """What is left out stays, and 0 takes a limit away."""
    made = await add(house, POLICIES, name="All-Apps", maxAgeDays=90)
    assert (made["name"], made["maxAgeDays"], made["managed"]) == ("all-apps", 90, False)
    at = f"{POLICIES}/{made['id']}"
    asked = {"unusedDays": 30, "managed": True, "description": "Why", "selector": "label=*"}
    after = (await house.http.patch(at, json=asked)).json()["policy"]
    assert after == made | asked | {"updatedAt": after["updatedAt"]}
    after = (await house.http.patch(at, json={"maxAgeDays": 0})).json()["policy"]
    assert (after["maxAgeDays"], after["unusedDays"]) == (None, 30)
    assert (await read(house, POLICIES))["policies"] == [after]
    assert (await house.http.delete(at)).json()["policy"] == after
    assert (await read(house, POLICIES))["policies"] == []


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        (POLICIES, {}, ["name"]),
        (POLICIES, {"name": "two words"}, ["name"]),
        (POLICIES, {"name": "x", "maxAgeDays": 0}, ["maxAgeDays"]),
        (POLICIES, {"name": "x", "selector": "colour=red"}, ["selector"]),
        (EXCEPTIONS, {"reason": "x", "expiresAt": "2026-03-02T00:00:00Z"}, ["selector"]),
        (
            EXCEPTIONS,
            {"selector": "app=x", "reason": " ", "expiresAt": "2026-03-02T00:00:00Z"},
            ["reason"],
        ),
        (
            EXCEPTIONS,
            {"selector": "app=x", "reason": "x", "expiresAt": "2026-03-02T00:00:00"},
            ["expiresAt"],
        ),
        (
            EXCEPTIONS,
            {"selector": "app=x", "reason": "x", "expiresAt": "2025-03-02T00:00:00Z"},
            ["expiresAt"],
        ),
    ],
)
async def test_what_does_not_fit_is_named(
    house: House, path: str, body: dict[str, object], wrong: list[str]
) -> None:
    """Nothing is made then."""
    assert issues(await house.http.post(path, json=body)) == wrong
    assert [*(await read(house, path)).values()] == [[]]


async def test_what_is_not_there_is_not_found(house: House) -> None:
    """Each by its id."""
    for method, path in (
        ("PATCH", f"{POLICIES}/{NO_ID}"),
        ("DELETE", f"{POLICIES}/{NO_ID}"),
        ("DELETE", f"{EXCEPTIONS}/{NO_ID}"),
        ("GET", f"{REPORTS}/{NO_ID}"),
        ("GET", f"{REPORTS}/{NO_ID}/evidence"),
    ):
        body = {"json": {}} if method == "PATCH" else {}
        answer = await house.http.request(method, path, **body)  # type: ignore[arg-type]
        assert problem(answer)[0] == 404, path


async def test_findings_tell_why_and_what_to_do(house: House) -> None:
    """They are chosen by kind, owner, policy and selector, and summed up."""
    house.org.create_app(AppDraft("Pay one"))
    await read_inventory(house)
    policy = await add(house, POLICIES, name="all", maxAgeDays=10, managed=True)
    seen = await read(house, COMPLIANCE)
    assert seen["breaches"] == {"too-old": 2, "unmanaged": 2}
    assert (seen["apps"], seen["compliant"], seen["compliantPercent"]) == (3, 1, 33.3)
    assert (seen["complete"], seen["uncovered"], seen["excused"]) == (True, 0, 0)
    assert seen["policies"] == [{"name": "all", "apps": 3, "breaches": 4}]
    assert seen["owners"] == [{"name": "", "apps": 3, "breaches": 4}]
    assert [(org["connection"], org["apps"]) for org in seen["orgs"]] == [("my-okta", 3)]
    chosen = {"kind": ["too-old"], "policy": policy["id"], "selector": 'label="pay *"'}
    found = await read(house, f"{COMPLIANCE}/findings", **chosen)
    [one] = found["findings"]
    assert (found["total"], found["apps"]) == (1, 1)
    assert "secretHash" not in one
    assert (one["label"], one["severity"], one["breach"]) == ("Pay one", "high", True)
    assert one["why"].startswith("It was made on 2026-03-01 and may be 10 days old.")
    assert one["todo"].startswith("Make a rotation")
    page = await read(house, f"{COMPLIANCE}/findings", limit=1, offset=1)
    assert (len(page["findings"]), page["total"]) == (1, 5)
    wrong = await house.http.get(f"{COMPLIANCE}/findings", params={"kind": "odd"})
    assert problem(wrong)[0] == 422
    gone = await house.http.get(f"{COMPLIANCE}/findings", params={"policy": NO_ID})
    assert issues(gone) == ["policy"]


async def test_exceptions_excuse_until_they_are_withdrawn(house: House) -> None:
    """Whoever made one stands for it by name."""
    await read_inventory(house)
    policy = await add(house, POLICIES, name="all", maxAgeDays=10)
    fields = {"policyId": policy["id"], "kinds": ["too-old"], "reason": "It goes in April."}
    apps = {"selector": f"app={house.app_id}", "expiresAt": "2026-04-01T00:00:00Z"}
    made = await add(house, EXCEPTIONS, **fields, **apps)
    assert (made["policy"], made["approvedBy"]) == ("all", "administrator")
    assert made["state"] == "about to expire"
    [one] = (await read(house, f"{COMPLIANCE}/findings", kind="too-old"))["findings"]
    assert (one["breach"], one["exceptionId"]) == (False, made["id"])
    assert one["excusedUntil"] == "2026-04-01T00:00:00.000Z"
    assert (await read(house, COMPLIANCE))["expiring"] == [made]
    house.clock.advance(20 * DAY_S)
    [told] = (await read(house, EXCEPTIONS))["exceptions"]
    assert told["state"] == "expired"
    assert (await house.http.delete(f"{EXCEPTIONS}/{made['id']}")).status_code == 200
    assert (await read(house, EXCEPTIONS))["exceptions"] == []


async def test_evidence_is_served_as_its_hash_was_taken(house: House) -> None:
    """As JSON, the very same; as Markdown for people. No value is in either, nor a hash of one."""
    weak = "fourteen-chars"
    app_id = house.org.create_app(AppDraft("Weak", secrets=(weak,))).id
    [secret] = house.org.read_app(app_id).live_secrets
    await read_inventory(house)
    await add(house, POLICIES, name="all", maxAgeDays=10)
    await report_due(house.world)
    listed = await read(house, REPORTS)
    [report] = listed["reports"]
    assert listed["total"] == 1
    assert (report["breaches"], report["newBreaches"]) == ({"too-old": 2, "weak-value": 1}, 3)
    at = f"{REPORTS}/{report['id']}"
    assert (await read(house, at))["report"] == report
    answer = await house.http.get(f"{at}/evidence")
    file = json.loads(answer.text)
    assert file["report"] == report
    assert digest(canonical(file["evidence"])) == report["sha256"]
    page = await house.http.get(f"{at}/evidence", params={"format": "markdown"})
    assert page.headers["content-type"].startswith("text/markdown")
    assert report["sha256"] in page.text
    assert "| too-old |" in page.text
    shown = answer.text + page.text + (await house.http.get(f"{COMPLIANCE}/findings")).text
    assert secret.id in shown
    for hidden in (weak, secret_hash(Sensitive(weak))):
        assert hidden not in shown
