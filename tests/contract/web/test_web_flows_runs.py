"""Runs in the browser: started with values, watched card by card, ended and run again."""

import pytest
from endpoint_kit import FLOWS
from rotation_pages_kit import following
from web_flows_kit import (
    CANARY,
    DOUBLE,
    FAIL,
    GREET,
    HOSTILE,
    TELL,
    WAIT,
    buttons,
    run,
    save,
    somebody,
    store,
)
from web_kit import WebHouse

from keyturn.domain.flows.run import Phase, Run
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.runs import go_on

UNKEPT = "history: none\n" + TELL


async def runs_of(web: WebHouse, flow_id: str) -> list[Run]:
    """Return the runs of a flow as they are kept, the newest first."""
    async with web.world.store.reading() as tx:
        return [*await tx.list_runs(flow_id, limit=100)]  # type: ignore[arg-type]


async def work(web: WebHouse) -> None:
    """Go on with what is due, as a worker does."""
    for claim in await claim_due_runs(web.world, owner="worker", limit=10):
        await go_on(web.world, claim)


async def test_a_flow_is_run_with_what_a_form_gives_it(web: WebHouse) -> None:
    """Each field in its kind; what came back is on the page of the run."""
    flow_id = await save(web, DOUBLE)
    page = await web.visitor.open(f"/flows/{flow_id}/run")
    done = await web.visitor.press(page, "Run it", **{"inputs.count": "21"})
    assert done.path.startswith("/flows/runs/")
    assert "Finished" in done.text
    assert '"sum": 42' in done.text
    (kept,) = await runs_of(web, flow_id)
    assert done.path.endswith(kept.id)


async def test_an_endpoints_fields_are_asked_for_by_where_they_come_from(web: WebHouse) -> None:
    """Query and body; what is left empty is not given, and JSON gives the rest."""
    flow_id = await save(web, GREET)
    page = await web.visitor.open(f"/flows/{flow_id}/run")
    assert "Query" in page.text
    fields = {"query.name": "Ada", "rest": '{"body": {"times": 2}}', "body.loud": "true"}
    done = await web.visitor.press(page, "Run it", **fields)
    assert "Hello Ada" in done.text
    assert '"times": 2' in done.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"body.times": "twice"}, "times must be of the kind number"),
        ({"body.names": '{"a": 1}'}, "names must be of the kind list"),
        ({"rest": "{"}, "The JSON cannot be read"),
        ({"rest": "[1]"}, "must be an object"),
        ({"rest": "[" * 5000}, "The JSON cannot be read"),
        ({"body.times": HOSTILE}, "times must be of the kind number"),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field_and_stays_typed(
    web: WebHouse, fields: dict[str, str], told: str
) -> None:
    """Nothing is started then."""
    flow_id = await save(web, GREET)
    page = await web.visitor.open(f"/flows/{flow_id}/run")
    refused = await web.visitor.press(page, "Run it", **{"query.name": "Ada", **fields})
    assert refused.status == 422
    assert told in refused.text
    assert refused.value("query.name") == "Ada"
    for name, typed in fields.items():
        assert refused.value(name) == typed
    assert "<script>alert" not in refused.html
    assert not await runs_of(web, flow_id)


async def test_a_flow_that_is_switched_off_does_not_run(web: WebHouse) -> None:
    """The page says so, and what was typed stays."""
    flow_id = await save(web, DOUBLE)
    page = await web.visitor.open(f"/flows/{flow_id}/run")
    await web.house.http.patch(f"{FLOWS}/{flow_id}", json={"enabled": False})
    refused = await web.visitor.press(page, "Run it", **{"inputs.count": "21"})
    assert refused.status == 400
    assert "is switched off" in refused.text
    assert refused.value("inputs.count") == "21"


async def test_an_input_that_nobody_declares_is_refused(web: WebHouse) -> None:
    """By the JSON for the rest, which the summary leads to."""
    flow_id = await save(web, DOUBLE)
    page = await web.visitor.open(f"/flows/{flow_id}/run")
    refused = await web.visitor.press(page, "Run it", rest='{"other": 1}')
    assert refused.status == 422
    assert "the flow has no such input" in refused.text


@pytest.mark.parametrize("source", [TELL, UNKEPT])
async def test_what_a_run_answers_is_shown_without_its_secrets(web: WebHouse, source: str) -> None:
    """Also where nothing is kept of it, and the answer is on the page that asked."""
    await store(web)
    flow_id = await save(web, source)
    page = await web.visitor.open(f"/flows/{flow_id}/run")
    done = await web.visitor.press(page, "Run it")
    assert done.status == 200
    assert "(masked)" in done.text
    assert CANARY not in done.html


async def test_a_run_is_told_card_by_card(web: WebHouse) -> None:
    """What each took and gave, what failed and why, and the way in the picture."""
    run_id = await run(web, await save(web, FAIL % HOSTILE.replace('"', '\\"')))
    page = await web.visitor.open(f"/flows/runs/{run_id}")
    assert "Failed" in page.text
    assert "about to" in page.text
    assert "user_error: <script>alert(1)</script>\"'&" in page.text
    assert "<script>alert" not in page.html
    assert "pic-bad" in page.html
    assert "pic-good" in page.html


async def test_a_sleeping_run_is_watched_until_it_ends(web: WebHouse) -> None:
    """The stream tells where it sleeps, and then what the cards after it did."""
    flow_id = await save(web, WAIT)
    run_id = await run(web, flow_id, wait_s=0.2)
    page = await web.visitor.open(f"/flows/runs/{run_id}")
    assert "Sleeping" in page.text
    assert page.html.count("sleeps") == 2  # the card that waits, and the one that it is inside of
    async with following(web, f"/flows/runs/{run_id}/live") as stream:
        first = await stream.part()
        assert first
        assert "Sleeping" in first
        assert "form_token" not in first
        web.house.clock.advance(3601)
        await work(web)
        while "Finished" not in (told := await stream.part() or ""):
            assert told
        assert "after" in told
    assert (await runs_of(web, flow_id))[0].phase is Phase.FINISHED


async def test_a_run_is_cancelled_once_that_is_confirmed(web: WebHouse) -> None:
    """It ends where it stands; a second time there is nothing to cancel."""
    flow_id = await save(web, WAIT)
    run_id = await run(web, flow_id, wait_s=0.2)
    page = await web.visitor.open(f"/flows/runs/{run_id}")
    asked = await web.visitor.follow(page, "Cancel")
    late = await web.visitor.follow(page, "Cancel")
    done = await web.visitor.press(asked, "Cancel the run")
    assert "The run is cancelled." in done.text
    assert (await runs_of(web, flow_id))[0].phase is Phase.CANCELLED
    again = await web.visitor.press(late, "Cancel the run")
    assert again.status == 400
    assert "ended already" in again.text


async def test_a_run_is_run_again_from_a_card(web: WebHouse) -> None:
    """It is another run, with what was given then; the first stays as it is."""
    flow_id = await save(web, DOUBLE)
    run_id = await run(web, flow_id, count=4)
    page = await web.visitor.open(f"/flows/runs/{run_id}")
    asked = await web.visitor.follow(page, "Run it again")
    done = await web.visitor.press(asked, "Run it again", card="sum")
    assert done.path != page.path
    await work(web)
    assert '"sum": 8' in (await web.visitor.open(done.path)).text
    assert len(await runs_of(web, flow_id)) == 2
    wrong = await web.visitor.press(asked, "Run it again", card="nowhere")
    assert wrong.status == 400
    assert "did not run then" in wrong.text


async def test_the_history_is_listed_some_at_a_time_and_searched(web: WebHouse) -> None:
    """The newest first; a text finds the runs in whose history it stands."""
    flow_id = await save(web, DOUBLE)
    for number in range(52):
        await run(web, flow_id, count=number + 1000)
    first = await web.visitor.open(f"/flows/{flow_id}/runs")
    assert sum(href.startswith("/flows/runs/") for href, _ in first.links) == 50
    second = await web.visitor.follow(first, "Older")
    assert sum(href.startswith("/flows/runs/") for href, _ in second.links) == 2
    assert "Newer" in buttons(second)
    found = await web.visitor.open(f"/flows/{flow_id}/runs", find="2102")
    assert sum(href.startswith("/flows/runs/") for href, _ in found.links) == 1


async def test_who_sees_runs_and_may_not_start_them_gets_no_button(web: WebHouse) -> None:
    """A viewer reads the history, and is refused what changes something."""
    flow_id = await save(web, DOUBLE)
    run_id = await run(web, flow_id, count=4)
    viewer = await somebody(web, "viewer")
    page = await viewer.open(f"/flows/runs/{run_id}")
    sees = page.status == 200
    assert sees or page.status == 403
    assert not {"Run it again", "Cancel"} & buttons(page)
    assert ("Runs" in buttons(await viewer.open(f"/flows/{flow_id}"))) is sees
    refused = await viewer.open(f"/flows/{flow_id}/run")
    assert "Run it" not in buttons(refused)
