"""What the record of a turn tells beyond its steps: Okta's ids, the policy, who was waited for."""

from dataclasses import replace

from api_kit import ROTATIONS, House

from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault
from keyturn.services.duties import claim_due
from keyturn.services.journey import advance
from keyturn.services.ports import TurnStep

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
Document = dict[str, object]


async def record(house: House, rotation: object) -> tuple[Document, str]:
    """Return the record of the newest turn, for programs and for people."""
    path = f"{ROTATIONS}/{rotation}/turns"
    [turn] = (await house.http.get(path)).json()["turns"]
    where = f"{path}/{turn['id']}/evidence"
    document: Document = (await house.http.get(where)).json()
    return document, (await house.http.get(where, params={"format": "markdown"})).text


async def test_error_id_and_request_id_of_a_failure_are_fields(house: House) -> None:
    """Okta's support asks for both, and no program has to find them in a text."""
    rotation = await house.rotate_by_order()
    house.org.add_fault(Fault("error-before-effect", "POST", SECRETS, status=500, count=1))
    await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    document, page = await record(house, rotation["id"])
    steps = document["turn"]["steps"]  # type: ignore[index]  # as JSON has it
    [failed] = [step for step in steps if step["step"] == "failed"]
    assert failed["errorId"]
    assert failed["errorId"] in failed["detail"]
    assert failed["requestId"]
    assert f"| {failed['requestId']} | {failed['errorId']} |" in page
    assert not any(step["errorId"] for step in steps if step is not failed)


async def test_policy_and_readers_that_were_waited_for_are_told(house: House) -> None:
    """Backstop, quiet time and log are in the record, and so is who kept the old secret alive."""
    policy = {"overlapPolicy": "evidence", "quietSeconds": 1800, "backstopSeconds": 86400}
    rotation = await house.rotate_by_order(**policy)
    await house.served()
    await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    house.clock.advance(301)
    for claim in await claim_due(house.world, owner="test", limit=1):
        await advance(house.world, claim.turn, held_since_s=claim.held_since_s)
    document, page = await record(house, rotation["id"])
    assert (document["backstopSeconds"], document["quietSeconds"]) == (86400, 1800)
    assert document["readSystemLog"] is False
    waited = document["waitedFor"]
    assert isinstance(waited, list)
    assert any("administrator, version 1" in told for told in waited)
    assert "administrator, version 1" in page
    assert "| **backstop** | 1 day |" in page
    assert "policy as of the export; the audit log tells who changed the rotation" in page


async def test_a_pause_is_told_with_its_beginning(house: House) -> None:
    """Whoever reads the record of a turn that stands still sees since when it does."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    await house.http.post(f"{path}/turn")
    assert "**paused**" not in (await record(house, rotation["id"]))[1]
    house.clock.advance(60)
    await house.http.post(f"{path}/turn/pause")
    _, page = await record(house, rotation["id"])
    assert "| **paused** | since 2026-03-01 12:01:00 UTC |" in page


async def test_a_pause_between_two_tries_waits_for_nobody(house: House) -> None:
    """A wait that is recorded without a reason is none of those that kept the old secret alive."""
    rotation = await house.rotate_by_order()
    await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    async with house.world.store.writing() as tx:
        last = (await tx.list(TurnStep))[-1]
        pause = replace(last, number=last.number + 1, phase=Phase.OVERLAPPING, step="wait")
        await tx.add(replace(pause, detail=""))
    document, _ = await record(house, rotation["id"])
    assert "" not in document["waitedFor"]  # type: ignore[operator]  # as JSON has it
