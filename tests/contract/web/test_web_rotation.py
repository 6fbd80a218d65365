"""The page of one rotation: how it stands, its turn phase by phase, and that it follows."""

import json
import re
from dataclasses import replace

import httpx2
from api_kit import CONNECTIONS, NO_ID, ORG_URL, PUBLIC_URL
from oauth_house_kit import DOMAIN, authorize, connect, register
from rotation_pages_kit import (
    Followed,
    ask,
    buttons,
    entries,
    following,
    live,
    now_at,
    phases,
    rotation,
    run,
    somebody,
    tick,
    turn_of,
)
from web_kit import WebHouse

from keyturn.domain.drift import Finding, Kind
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault, build_app
from keyturn.sandbox.state.keys import render_private
from keyturn.services.ports import TurnStep
from keyturn.services.watching import FRESH_S

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
NAMES = [
    "Planned",
    "Written",
    "Issued",
    "Verified",
    "Promoted",
    "Delivered",
    "Overlapping",
    "Retired",
    "Soaking",
    "Finished",
]


async def test_before_the_first_turn_what_was_there_is_served(web: WebHouse) -> None:
    """The page says so, and what it is served as, without any value."""
    rotation_id = await rotation(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    for told in ("my-okta-rotation", "It has not turned yet", "OKTA_CLIENT_SECRET", "example/dev/"):
        assert told in page.text
    assert "Every 30 days at 00:00 UTC" in page.text
    assert phases(page) == []
    assert await web.house.served() not in page.html


async def test_a_turn_is_told_phase_by_phase(web: WebHouse) -> None:
    """What was done, what goes on, what is to come; with Okta's ids and what it waits for."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    shown = phases(page)
    assert [name for name, _ in shown] == NAMES
    assert [state for _, state in shown] == ["done"] * 6 + ["current"] + ["coming"] * 3
    assert "the overlap until 2026-03-01 12:05:00 UTC" in page.text
    async with web.world.store.reading() as tx:
        steps = await tx.list(TurnStep, turn_id=(await turn_of(web, rotation_id)).id)
    ids = {step.request_id for step in steps if step.request_id}
    assert ids
    assert all(each in page.html for each in ids)
    assert f'<span class="at">{steps[0].at:%H:%M:%S} UTC</span>' in page.html


async def test_who_reads_the_old_one_is_named(web: WebHouse) -> None:
    """With the version that they have, until they have the new one."""
    rotation_id = await rotation(web, overlapPolicy="evidence", backstopSeconds=86400)
    await web.house.served()
    await ask(web, rotation_id, "rotate-secrets")
    await live(web, 301)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert "a reader that holds an older version (administrator, version 1" in page.text
    assert re.search(r"administrator reader version 1", page.text)
    await web.house.served()
    web.house.clock.advance(61)
    await web.house.served()
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert "administrator reader the new one" in page.text
    assert "which does not have" not in page.text


async def test_a_registration_is_waited_for_until_it_has_proved_the_new_one(web: WebHouse) -> None:
    """Until then it is named at the phase that waits for it; then among those who have it."""
    rotation_id = await rotation(web)
    web.house.org.change_redirect_uris(web.house.app_id, ("http://127.0.0.1:7777/callback",))
    told = {"clientId": None, "clientSecret": None, "rotation": "my-okta-rotation"}
    told |= {"scheme": "oauth", "connector": "okta", "domain": DOMAIN}
    await authorize(web.house, await connect(web.house, await register(web.house, None, **told)))
    await ask(web, rotation_id, "rotate-secrets")
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert now_at(page) == "Promoted"
    assert "client registration crm, which does not have the new one yet" in page.text
    assert "crm client registration version 1" in page.text
    await tick(web)
    await tick(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert now_at(page) == "Overlapping"
    assert "crm client registration the new one" in page.text


async def test_a_foreign_secret_blocks_and_says_who_acts(web: WebHouse) -> None:
    """The turn is shown where it stands, with what leads out of it; commands are set apart."""
    rotation_id = await rotation(web)
    web.house.org.create_secret(web.house.app_id)
    await web.house.http.post(
        f"/api/v2/secret-rotations/okta-client-secret/{rotation_id}/rotate-secrets"
    )
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert ("Blocked", "failed") in phases(page)
    assert "The app's owner must choose" in page.text
    assert "Needs somebody" in page.text
    assert {"Resume", "Try again", "See what is at Okta", "Abort"} <= buttons(page)
    ways = {href for href, text in page.links if text in ("Adopt", "Retire", "Resume")}
    assert f"/rotations/{rotation_id}" in ways
    assert any(href.startswith(f"/rotations/{rotation_id}/retire?secret=ocs") for href in ways)
    assert "keyturn turn resume" not in page.html


async def test_a_secret_that_is_needed_again_is_shown_as_reinstated(web: WebHouse) -> None:
    """A fault of a consumer in the soak brings the old one back, which the timeline shows."""
    rotation_id = await rotation(web, readSystemLog=True)
    old = await web.house.served()
    await ask(web, rotation_id, "rotate-secrets")
    await live(web, 301)
    assert (await turn_of(web, rotation_id)).phase is Phase.SOAKING
    await use(web, old)
    await live(web, 61)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    names = [name for name, _ in phases(page)]
    assert names[:10] == [*NAMES[:9], "Overlapping"]
    assert now_at(page) == "Overlapping"
    assert "Reinstated once" in page.text
    assert "The old client secret was reinstated" in page.text
    assert "was still needed, and reinstated" in page.text
    assert "Nobody needed" not in page.text


async def test_a_fault_of_okta_is_told_with_its_ids(web: WebHouse) -> None:
    """What the last try came to, and that the turn goes on by itself."""
    rotation_id = await rotation(web)
    web.house.org.add_fault(Fault("error-before-effect", "POST", SECRETS, status=500, count=1))
    await web.house.http.post(
        f"/api/v2/secret-rotations/okta-client-secret/{rotation_id}/rotate-secrets"
    )
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert now_at(page) == "Written"
    assert "What failed last" in page.text
    assert "Okta error" in page.text
    await run(web, rotation_id)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert ("Finished", "done") in phases(page)
    assert "What failed last" not in page.text


async def test_a_page_follows_its_turn_without_being_loaded(web: WebHouse) -> None:
    """Each move is sent as the part that changes; nothing is sent while nothing happens."""
    rotation_id = await rotation(web)
    async with following(web, f"/rotations/{rotation_id}/live") as page:
        assert page.answer.headers["content-type"].startswith("text/event-stream")
        first = await page.part()
        assert first
        assert phases(first) == []
        await ask(web, rotation_id, "turn", {"wait": False})
        assert ("Written", "coming") in phases(await page.until("Planned"))
        await tick(web)
        overlapping = await page.until("Overlapping")
        assert [state for _, state in phases(overlapping)].count("done") == 6
        await live(web, 301)
        await page.until("Soaking")
        await live(web, 301)
        while (part := await page.part()) and ("Finished", "done") not in phases(part):
            pass
        assert part
        assert "Turning" not in part
        assert await web.house.served() not in part


async def test_looking_on_is_on_record_once(web: WebHouse) -> None:
    """Not once a look: the audit log is not filled by a page that is open."""
    rotation_id = await rotation(web)
    before = len(await entries(web))
    async with following(web, f"/rotations/{rotation_id}/live") as page:
        await page.part()
        for _ in range(3):
            await ask(web, rotation_id, "turn", {"wait": False})
            await page.until("Planned")
            await ask(web, rotation_id, "turn/abort")
            await page.part()
    verbs = [each.attempt.verb for each in (await entries(web))[before:]]
    assert verbs.count("secret-rotation:read") == 1


async def test_a_part_stays_the_same_while_nothing_happens(web: WebHouse) -> None:
    """A minute that passes moves the line of the picture; a second moves nothing."""
    rotation_id = await rotation(web)
    async with following(web, f"/rotations/{rotation_id}/live") as page:
        await page.part()
        web.house.clock.advance(1)
        await ask(web, rotation_id, "turn", {"wait": False})
        part = await page.part()
        assert part
        assert now_at(part) == "Planned"


async def test_a_reader_that_comes_is_shown_before_long(web: WebHouse) -> None:
    """What moves neither the rotation nor its turn is looked at every few seconds."""
    rotation_id = await rotation(web)
    async with following(web, f"/rotations/{rotation_id}/live") as page:
        first = await page.part()
        assert first
        assert "administrator" not in first
        await web.house.served()
        web.house.clock.advance(FRESH_S)
        part = await page.part()
        assert part
        assert "administrator" in part


async def test_an_open_page_is_told_what_time_it_is_by_then(web: WebHouse) -> None:
    """At first, and once a sandbox's clock has jumped, though nothing else has changed."""
    rotation_id = await rotation(web)
    async with following(web, f"/rotations/{rotation_id}/live") as page:
        assert await page.event() == ("now", "2026-03-01T12:00:00Z")
        assert (await page.event() or ("",))[0] == "part"
        web.house.clock.advance(3 * 3600)
        assert await page.event() == ("now", "2026-03-01T15:00:00Z")


async def test_following_ends_where_it_may_no_longer_be_seen(web: WebHouse) -> None:
    """Once the rotation is gone there is nothing left to follow."""
    rotation_id = await rotation(web)
    async with following(web, f"/rotations/{rotation_id}/live") as page:
        await page.part()
        path = f"/api/v2/secret-rotations/okta-client-secret/{rotation_id}"
        assert (await web.house.http.delete(path)).status_code == 200
        assert await _end(page) is None


async def _end(page: Followed) -> str | None:
    while part := await page.part():
        pass
    return part


async def test_a_viewer_sees_all_and_may_order_nothing(web: WebHouse) -> None:
    """No button is there for whoever may not press it, and pressing it is refused."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    viewer = await somebody(web, "viewer")
    page = await viewer.open(f"/rotations/{rotation_id}")
    assert now_at(page) == "Overlapping"
    assert not buttons(page) & {"Pause", "Finish now", "Turn now", "Turn only when asked"}
    assert "Reveal values" not in page.text
    assert "Change" not in [text for _, text in page.links]
    for what in ("turn", "emergency", "finish", "abort", "reveal", "edit", "delete"):
        assert (await viewer.open(f"/rotations/{rotation_id}/{what}")).status == 403


async def test_of_what_one_may_not_see_nothing_is_learned(web: WebHouse) -> None:
    """Neither whether it exists nor what it is called."""
    rotation_id = await rotation(web)
    nobody = await somebody(web, "")
    for page in (
        await nobody.open(f"/rotations/{rotation_id}"),
        await nobody.open(f"/rotations/{NO_ID}"),
    ):
        assert page.status == 403
        assert "my-okta-rotation" not in page.html
    assert (await web.visitor.open(f"/rotations/{NO_ID}")).status == 404


async def test_drift_is_told_with_what_mends_it(web: WebHouse) -> None:
    """What somebody else has changed at Okta stands above all else."""
    rotation_id = await rotation(web)
    async with web.world.store.writing() as tx:
        found = await tx.find(Rotation, id=rotation_id)
        assert found
        at = web.house.clock.now()
        await tx.add(
            Finding("f1", found.id, Kind.SECRET_DEACTIVATED, "ocs1", "Client secret ocs1.", at)
        )
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert "Changed at Okta by somebody else" in page.text
    assert Kind.SECRET_DEACTIVATED.value in page.text
    assert "Repair it" in buttons(page)


async def test_who_uses_it_is_drawn_and_listed(web: WebHouse) -> None:
    """From the rotation to each that would notice a turn, with the version that it has."""
    rotation_id = await rotation(web)
    await web.house.served()
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Who uses it"
    )
    assert "<svg" in page.html
    assert "administrator reader" in page.text
    assert "keyturn rotation usage my-okta-rotation --project example" in page.text


async def test_a_quarantined_rotation_says_why(web: WebHouse) -> None:
    """In a sentence, beside its word."""
    rotation_id = await rotation(web)
    async with web.world.store.writing() as tx:
        found = await tx.find(Rotation, id=rotation_id)
        assert found
        await tx.replace(replace(found, failures=5))
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert "Quarantined" in page.text
    assert "None starts by itself any more" in page.text


async def test_the_key_of_a_connection_is_shown_to_nobody(web: WebHouse) -> None:
    """Its rotation has a page like any, with no place, no names and nothing to reveal."""
    org = web.house.org
    jwk = json.dumps(render_private(org.keys.service))
    client_id = org.apps[org.seeded.service_app_id].client_id
    credentials = {"instanceUrl": ORG_URL, "clientId": client_id, "privateKey": jwk}
    body = web.house.connection(name="own", method="oauth-service-app", credentials=credentials)
    made = (await web.house.http.post(CONNECTIONS, json=body)).json()["appConnection"]
    turned = await web.house.http.post(f"{CONNECTIONS}/{made['id']}/turn-key")
    path = f"/rotations/{turned.json()['secretRotation']['id']}"
    page = await web.visitor.open(path)
    assert now_at(page) == "Overlapping"
    assert "The connection itself" in page.text
    assert "Reveal values" not in page.text
    assert "The old client key and the new one both work." in page.text
    assert (await web.visitor.open(f"{path}/reveal")).status == 403
    for what in ("", "/usage", "/turns", "/okta", "/edit", "/delete", "/turn"):
        shown = await web.visitor.open(path + what)
        assert shown.status == 200, what
        assert "Name of the client id" not in shown.text
        assert '"d"' not in shown.html


async def use(web: WebHouse, value: str) -> None:
    """Authenticate at the org by a client secret, as a consumer that still has it."""
    transport = httpx2.ASGITransport(build_app(web.house.org))
    client_id = web.house.org.read_app(web.house.app_id).client_id
    form = {"grant_type": "refresh_token", "refresh_token": "junk", "scope": "openid"}
    async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL) as http:
        await http.post("/oauth2/v1/token", data=form, auth=(client_id, value))
