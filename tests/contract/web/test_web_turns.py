"""The turns that a rotation has had, in the browser: the list, each record, and its files."""

import json
import re

from api_kit import NO_ID, ROTATIONS
from rotation_pages_kit import ask, live, phases, rotation, run, somebody, turn_of
from web_kit import WebHouse

from keyturn.services.ports import TurnStep


async def test_turns_are_listed_the_newest_first(web: WebHouse) -> None:
    """Each with how it stands, and the way to its record."""
    rotation_id = await rotation(web)
    assert (
        "It has not turned yet." in (await web.visitor.open(f"/rotations/{rotation_id}/turns")).text
    )
    ids = []
    for _ in range(2):
        await ask(web, rotation_id, "rotate-secrets")
        ids.append((await run(web, rotation_id)).id)
    await ask(web, rotation_id, "rotate-secrets")
    ids.append((await turn_of(web, rotation_id)).id)
    page = await web.visitor.follow(await web.visitor.open(f"/rotations/{rotation_id}"), "Turns")
    found = [href for href, _ in page.links if href.rpartition("/")[2] in ids]
    assert found == [f"/rotations/{rotation_id}/turns/{each}" for each in reversed(ids)]
    assert "overlapping" in page.text
    assert page.text.count("finished") == 2


async def test_many_turns_are_paged(web: WebHouse) -> None:
    """Twenty a page, older ones behind."""
    rotation_id = await rotation(web)
    for _ in range(21):
        await ask(web, rotation_id, "turn", {"wait": False})
        await ask(web, rotation_id, "turn/abort")
        web.house.clock.advance(60)
    page = await web.visitor.open(f"/rotations/{rotation_id}/turns")
    assert page.text.count("rolled back") == 20
    older = await web.visitor.follow(page, "Older")
    assert older.text.count("rolled back") == 1
    assert (await web.visitor.follow(older, "Newer")).text.count("rolled back") == 20


async def test_a_record_tells_every_step_with_oktas_ids(web: WebHouse) -> None:
    """Phase by phase and step by step, with the hashes of both and no value."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    turn = await run(web, rotation_id)
    page = await web.visitor.open(f"/rotations/{rotation_id}/turns/{turn.id}")
    assert not re.search(r"<th [^>]*></th>", page.html), "a column without a name"
    assert [state for _, state in phases(page)] == ["done"] * 10
    assert 'class="flash"' not in page.html  # nothing was done just now
    assert turn.old
    assert turn.new
    for held in (turn.old, turn.new):
        assert held.hash in page.text
        assert str(held.okta_id) in page.text
    async with web.world.store.reading() as tx:
        steps = await tx.list(TurnStep, turn_id=turn.id)
    assert all(step.request_id in page.text for step in steps)
    assert "Took 10 min" in page.text
    assert f"keyturn turn evidence my-okta-rotation --turn {turn.id} --project example" in page.text


async def test_a_record_is_kept_as_a_file_in_two_forms(web: WebHouse) -> None:
    """The same that the API gives, under a name that tells what it is."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    turn = await turn_of(web, rotation_id)
    path = f"/rotations/{rotation_id}/turns/{turn.id}"
    page = await web.visitor.open(path)
    hrefs = {href for href, _ in page.links}
    assert {f"{path}/evidence.md", f"{path}/evidence.json"} <= hrefs
    told = (await web.house.http.get(f"{ROTATIONS}/{rotation_id}/turns/{turn.id}/evidence")).json()
    file = await web.visitor.http.get(f"{path}/evidence.json")
    assert json.loads(file.text) == told
    assert file.headers["content-disposition"] == (
        'attachment; filename="turn-my-okta-rotation-20260301T120000Z.json"'
    )
    assert file.headers["content-type"] == "application/json"
    text = await web.visitor.http.get(f"{path}/evidence.md")
    assert text.text.startswith("# Turn of my-okta-rotation")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert (await web.visitor.open(f"{path}/evidence.exe")).status == 404


async def test_a_turn_of_another_rotation_is_not_found(web: WebHouse) -> None:
    """Neither is one that there never was; an address that makes no sense is no error of ours."""
    rotation_id = await rotation(web)
    assert (await web.visitor.open(f"/rotations/{rotation_id}/turns/{NO_ID}")).status == 404
    assert (await web.visitor.open(f"/rotations/{NO_ID}/turns")).status == 404
    for start in ("-1", "x", "99999999", "400"):
        page = await web.visitor.open(f"/rotations/{rotation_id}/turns?start={start}")
        assert page.status == 200


async def test_a_record_is_for_who_may_see_the_rotation(web: WebHouse) -> None:
    """A viewer reads it; whoever holds nothing learns nothing."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    await live(web, 301)
    path = f"/rotations/{rotation_id}/turns/{(await turn_of(web, rotation_id)).id}"
    assert (await (await somebody(web, "viewer")).open(path)).status == 200
    nobody = await somebody(web, "")
    for page in (path, f"{path}/evidence.md", f"/rotations/{rotation_id}/turns"):
        assert (await nobody.open(page)).status == 403
