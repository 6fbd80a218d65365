"""The Okta connector: people, apps and client secrets of an org; judged by the org."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from cards_kit import BACK, DEVICES, ORG_URL, Workshop, workshop_at_the_org

from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.masking import HIDDEN_NAMES
from keyturn.domain.flows.values import MASK
from keyturn.domain.oauth.connection import Connection
from keyturn.sandbox import Fault
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import User

SCOPES = (
    *("okta.users.read", "okta.users.manage", "okta.apps.read"),
    *("okta.groups.read", "okta.groups.manage"),
)


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have an org be the service that flows ask, and a connection to it."""
    async with workshop_at_the_org() as made:
        await made.connect("org", made.app(*SCOPES), "okta")
        made.rig.calls()
        yield made


def una(it: Workshop) -> User:
    """Return the seeded person who is no administrator."""
    return it.rig.org.users[it.rig.org.seeded.user_id]


def asked(it: Workshop) -> Sequence[str]:
    """Return method and path of what the org was asked of its own API since last time."""
    calls = [each for each in it.rig.calls() if each["path"].startswith("/api/v1")]
    return [f"{each['method']} {each['path']}" for each in calls]


@pytest.mark.parametrize("by", ["id", "login"])
async def test_a_user_is_read(it: Workshop, by: str) -> None:
    """By id or by login."""
    outputs = await it.outputs("okta.read_user", "org", user=getattr(una(it), by))
    assert isinstance(outputs.value, dict)
    user: Any = outputs.value["user"]
    assert user["profile"]["login"] == una(it).login


async def test_a_user_is_suspended_activated_and_deactivated(it: Workshop) -> None:
    """Each step of the lifecycle is taken at the org."""
    for step, status in (
        ("suspend", "SUSPENDED"),
        ("unsuspend", "ACTIVE"),
        ("deactivate", "DEPROVISIONED"),
    ):
        told = await it.given(f"okta.{step}_user", "org", user=una(it).login)
        assert (told["status"], una(it).status) == (200, status)


async def test_the_link_of_an_activation_is_hidden(it: Workshop) -> None:
    """Whoever has it can sign in: the flow is given it, the history is not."""
    await it.given("okta.deactivate_user", "org", user=una(it).id)
    outputs = await it.outputs("okta.activate_user", "org", user=una(it).id, send_email=False)
    value: Any = outputs.value
    assert value["link"]["activationUrl"].startswith(ORG_URL)
    assert outputs.view == {"status": 200, "link": MASK}
    assert all("activationUrl" not in str(step.outputs) for step in it.steps)


async def test_users_are_listed_searched_and_filtered(it: Workshop) -> None:
    """Over as many pages as it takes."""
    for number in range(5):
        it.rig.org.create_user(f"p{number}@example.com", f"P{number}", "Sales")
    told = await it.given("okta.list_users", "org", limit=100, page_size=2)
    assert (told["count"], told["truncated"]) == (7, False)
    assert len(asked(it)) == 4
    search = 'profile.lastName eq "Sales"'
    found = await it.given("okta.search_users", "org", search=search)
    assert {each["profile"]["lastName"] for each in found["records"]} == {"Sales"}
    wanted = 'status eq "ACTIVE"'
    filtered = await it.given("okta.list_users_with_filter", "org", filter=wanted, limit=3)
    assert (filtered["count"], filtered["truncated"]) == (3, True)


async def test_users_are_put_into_groups_and_taken_out(it: Workshop) -> None:
    """The org has them there; groups are found, and read with their members."""
    groups = [it.rig.org.groups.create({"name": name}) for name in ("Sales", "Support")]
    at = {"group": groups[0].id, "user": una(it).id}
    assert await it.given("okta.add_user_to_group", "org", **at) == {"status": 204}
    assert it.rig.org.groups.read(groups[0].id).users == (una(it).id,)
    members = await it.given("okta.list_group_members", "org", group=groups[0].id)
    assert [each["id"] for each in members["records"]] == [una(it).id]
    assert (await it.given("okta.read_group", "org", group=groups[1].id))["group"]["id"]
    found = await it.given("okta.search_groups", "org", search='profile.name sw "Sal"')
    assert [each["profile"]["name"] for each in found["records"]] == ["Sales"]
    assert (await it.given("okta.search_groups", "org", limit=10, page_size=1))["count"] == 2
    assert await it.given("okta.remove_user_from_group", "org", **at) == {"status": 204}
    assert it.rig.org.groups.read(groups[0].id).users == ()


async def test_apps_are_listed_and_searched(it: Workshop) -> None:
    """By how their names begin."""
    for name in ("Sales one", "Sales two"):
        it.rig.org.create_app(AppDraft(name, redirect_uris=(BACK,)))
    assert (await it.given("okta.list_applications", "org", limit=100, page_size=2))["count"] == 5
    found = await it.given("okta.search_applications", "org", begins="sales")
    assert [each["label"] for each in found["records"]] == ["Sales one", "Sales two"]


async def test_client_secrets_are_listed_and_hidden(it: Workshop) -> None:
    """The flow has the values; no step that is written down has."""
    app_id = it.rig.app_id
    outputs = await it.outputs("okta.list_client_secrets", "org", app=app_id)
    value, view = outputs.value, outputs.view
    assert isinstance(value, dict)
    assert isinstance(view, dict)
    secret = it.rig.org.read_app(app_id).live_secrets[0]
    (listed,), (seen,) = value["records"], view["records"]  # type: ignore[misc]  # lists of one
    assert listed["client_secret"] == secret.value
    assert (seen["client_secret"], seen["status"], seen["id"]) == (MASK, "ACTIVE", secret.id)
    assert all(secret.value not in repr(step) for step in it.steps)
    assert "clientsecret" in HIDDEN_NAMES


async def test_cards_run_on_connections_of_their_connector(it: Workshop) -> None:
    """The cards of one are refused on another's, before anything is asked."""
    await it.connect("devices", it.app(*DEVICES))
    it.rig.calls()
    failure = await it.failed("okta.read_user", "devices", user="x")
    assert (failure.kind, asked(it)) == (Failure.CONNECTION, [])
    assert "runs on connections of okta; devices is one of okta-devices" in failure.message


async def test_an_orgs_token_goes_to_that_org_alone(it: Workshop) -> None:
    """A flow that names another address with such a connection sends nothing there."""
    for url in ("https://evil.example.com/", f"{ORG_URL}.evil.example.com/", f"{ORG_URL}:444/"):
        failure = await it.failed("api.get", "org", url=url)
        assert (failure.kind, asked(it)) == (Failure.INPUT, [])
    told = await it.given("api.get", "org", url=f"{ORG_URL}/api/v1/users/{una(it).id}")
    assert told["body"]["id"] == una(it).id


async def test_a_revoked_token_is_renewed_once_and_the_request_made_again(it: Workshop) -> None:
    """A 401 has done nothing, so that a card that writes is made again as well."""
    it.age()
    it.rig.org.add_fault(Fault("token-revoked", "POST", count=1))
    told = await it.given("okta.suspend_user", "org", user=una(it).id)
    assert (told["status"], una(it).status) == (200, "SUSPENDED")
    assert [each.split("/")[-1] for each in asked(it)] == ["suspend", "suspend"]
    assert await number(it) == 2


async def test_a_token_that_is_refused_again_is_not_renewed_again(it: Workshop) -> None:
    """One renewal and one repetition: then it is the card's failure."""
    it.age()
    it.rig.org.add_fault(Fault("token-revoked", "GET"))
    failure = await it.failed("okta.read_user", "org", user=una(it).id)
    assert (failure.kind, failure.status) == (Failure.HTTP, 401)
    assert (len(asked(it)), await number(it)) == (2, 2)


async def test_a_young_token_is_not_renewed(it: Workshop) -> None:
    """Another would be refused as well, and nobody waits for it."""
    it.rig.org.add_fault(Fault("token-revoked", "GET"))
    assert (await it.failed("okta.read_user", "org", user=una(it).id)).status == 401
    assert (len(asked(it)), await number(it)) == (1, 1)


async def test_okta_tells_when_its_window_turns(it: Workshop) -> None:
    """Its 429 has no Retry-After: what it says instead is how long to wait."""
    it.rig.org.add_fault(Fault("rate-limit", "GET", "/api/v1/users/{userId}"))
    failure = await it.failed("okta.read_user", "org", user=una(it).id)
    assert (failure.kind, failure.status) == (Failure.HTTP, 429)
    assert failure.retry_after_s is not None
    assert 0 < failure.retry_after_s <= 60


async def number(it: Workshop) -> int:
    """Return how many token sets the connection has had."""
    async with it.rig.world.store.reading() as tx:
        found = await tx.find(Connection, name="org")
    assert found
    assert found.tokens
    return found.tokens.number


@pytest.mark.parametrize(
    ("kind", "card", "failure"),
    [
        ("drop-after-effect", "okta.suspend_user", Failure.UNKNOWN_OUTCOME),
        ("drop-after-effect", "okta.read_user", Failure.NETWORK),
        ("error-after-effect", "okta.suspend_user", Failure.HTTP),
    ],
)
async def test_an_answer_that_is_lost(it: Workshop, kind: Any, card: str, failure: Failure) -> None:  # noqa: ANN401
    """What may have changed something is told apart from what was only read."""
    it.rig.org.add_fault(Fault(kind, route="/api/v1/users/{userId}/lifecycle/suspend", count=1))
    it.rig.org.add_fault(Fault(kind, route="/api/v1/users/{userId}", count=1))
    assert (await it.failed(card, "org", user=una(it).id)).kind is failure


async def test_pages_that_come_again_come_to_an_end(it: Workshop) -> None:
    """A list whose next page is the one before is a failure, and no run without end."""
    for count in range(5):
        it.rig.org.create_user(f"p{count}@example.com", "P", "Sales")
    it.rig.org.add_fault(Fault("looping-page", "GET", "/api/v1/users"))
    failure = await it.failed("okta.list_users", "org", limit=1000, page_size=2)
    assert (failure.kind, "no end" in failure.message) == (Failure.HTTP, True)
