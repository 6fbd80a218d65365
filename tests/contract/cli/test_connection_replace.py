"""A connection is replaced side by side: by the API, at the org's own authorization server."""

from collections.abc import AsyncIterator, Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import click
import httpx2
import pytest
from api_kit import PUBLIC_URL, Body, House, open_house
from identity_kit import ask
from oauth_house_kit import ALIASES, PERSONS, ROBOTS, authorize, connect, register, robot

from keyturn.api.app import build_api
from keyturn.cli.connection_authorize import LIMIT_S, by_link
from keyturn.cli.replacing import (
    Helpers,
    Replacement,
    lines_of,
    plan_exchange,
    plan_replacement,
    require_no_exchange,
    require_no_less,
    require_no_worse,
    require_same_kind,
    take_over,
)
from keyturn.client import ApiError, KeyturnApi, Token
from keyturn.wire.oauth_connections import AuthorizationLink, OAuthConnection
from keyturn.wire.registrations import Registration

PROJECT = "example"
SCOPES = ["openid", "offline_access", "okta.users.read"]
USERS = replace(PERSONS, granted_scopes=("okta.users.read",))
PLACE = {"project_id": "p", "environment": "dev", "secret_path": "/"}
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MADE_WITH = Registration.model_construct(
    id="r", name="workflows", connector="okta-devices", scheme="oauth"
).model_copy(update=PLACE)
OLD = OAuthConnection.model_construct(
    id="c1",
    name="crm",
    registration_id="r",
    grant_type="authorization_code",
    scopes=("a", "b"),
    granted=("a",),
    source=None,
    subject="",
    aliases=("billing",),
    state="ready",
    light="at_risk",
    fails_at=None,
    used_at=AT,
    created_at=AT,
).model_copy(update=PLACE)


def called(name: str, **changes: object) -> OAuthConnection:
    """Return another connection that is made like the old one."""
    return OLD.model_copy(update={"id": name, "name": name, **changes})


@pytest.mark.parametrize(
    ("old", "others", "name", "found"),
    [
        ("crm", (), "crm-2", False),
        ("crm-2", (), "crm-3", False),
        ("crm-2026", (), "crm-2026-2", False),
        ("crm", (called("crm-2"),), "crm-2", True),
        ("crm", (called("crm-2", scopes=("a",)),), "crm-3", False),
        ("crm", (called("crm-2", grant_type="device_code"), called("crm-3")), "crm-3", True),
        ("crm", (called("crm-2", registration_id="other"),), "crm-3", False),
        ("crm", (called("crm-2", created_at=AT - timedelta(days=1)),), "crm-3", False),
        ("crm", (called("crm-2", secret_path="/elsewhere"),), "crm-2", False),
    ],
)
def test_what_was_begun_is_gone_on_with(
    old: str, others: Iterable[OAuthConnection], name: str, *, found: bool
) -> None:
    """A name that something else has is passed over, and that is said."""
    plan = plan_replacement(called(old), MADE_WITH, [called(old), *others])
    assert (plan.name, plan.new is not None) == (name, found)
    assert plan.passed == (("crm-2",) if name == "crm-3" and old == "crm" else ())
    told = "What is called crm-2 is something else, and is left alone."
    assert (told in lines_of(plan, keep=False)) is bool(plan.passed)


def test_a_registration_of_another_folder_is_refused() -> None:
    """No alias could be led to what is made of it."""
    elsewhere = MADE_WITH.model_copy(update={"environment": "prod"})
    with pytest.raises(click.ClickException, match="no alias could be led"):
        plan_replacement(OLD, elsewhere, [OLD])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (OLD, "cannot take its own place"),
        (called("mine", secret_path="/elsewhere"), "not in dev/, as crm is"),
        (called("mine", grant_type="password"), "mine is of the grant password, and crm auth"),
    ],
)
def test_what_is_something_else_takes_nobodys_place(other: OAuthConnection, told: str) -> None:
    """Whoever uses an alias would come to what is not for the same."""
    with pytest.raises(click.ClickException, match=told):
        plan_exchange(OLD, MADE_WITH, other)
    plan = plan_exchange(OLD, MADE_WITH, called("mine", scopes=("b",), state="new"))
    assert (plan.name, plan.asks) == ("mine", True)


@pytest.mark.parametrize("change", [{"connector": "api"}, {"scheme": "header"}])
def test_another_kind_of_registration_is_another_service(change: dict[str, str]) -> None:
    """Another app at the same one will do."""
    require_same_kind(MADE_WITH, MADE_WITH.model_copy(update={"id": "r2", "name": "other"}))
    with pytest.raises(click.ClickException, match="is of another kind than workflows"):
        require_same_kind(MADE_WITH, MADE_WITH.model_copy(update=change))


def test_a_plan_says_what_will_be_done() -> None:
    """Step by step, with who is led over and who is not."""
    lines = lines_of(plan_replacement(OLD, MADE_WITH, [OLD]), keep=False)
    assert lines[:3] == [
        "Replacing crm (authorization_code, at risk) will:",
        "  1. make the connection crm-2 with registration workflows",
        "  2. have somebody authorize it",
    ]
    assert "  4. stop if crm-2 was granted less than crm: a" in lines
    assert "  5. lead to crm-2 the aliases of crm: billing" in lines
    assert lines[-1] == "Nothing was changed."
    there = called("crm-2", subject="una@example.com")
    begun = lines_of(plan_replacement(OLD, MADE_WITH, [OLD, there]), keep=True)
    assert "  1. go on with crm-2, which is there, by una@example.com" in begun
    assert "  2. need nobody to authorize it" in begun
    assert "  6. leave crm as it is" in begun


def test_a_connection_whose_tokens_are_exchanged_is_not_deleted() -> None:
    """What exchanges them would have none."""
    require_no_exchange(OLD, [OLD, called("x")])
    with pytest.raises(click.ClickException, match="exchanged by x, which would have none"):
        require_no_exchange(OLD, [OLD, called("x", source=OLD.id)])


LATER = AT + timedelta(hours=1)


@pytest.mark.parametrize(
    ("old", "new", "worse"),
    [
        (("healthy", None), ("at_risk", None), False),
        (("healthy", None), ("at_risk", LATER), True),
        (("at_risk", LATER), ("at_risk", AT), True),
        (("at_risk", AT), ("at_risk", LATER), False),
        (("broken", None), ("at_risk", AT), False),
        (("broken", None), ("broken", None), True),
    ],
)
def test_worse_is_what_fails_sooner(
    old: tuple[str, datetime | None], new: tuple[str, datetime | None], *, worse: bool
) -> None:
    """Whoever is led over loses nothing by it; what fails now is of no use to anybody."""
    one, two = (
        called(name, light=light, fails_at=at, reasons=())
        for name, (light, at) in (("crm", old), ("crm-2", new))
    )
    expected = pytest.raises(click.ClickException) if worse else nullcontext()
    with expected:
        require_no_worse(one, two)


@pytest.mark.parametrize(
    ("grant", "anew"), [("authorization_code", True), ("client_credentials", False)]
)
def test_what_is_lacking_is_named_with_what_to_do(grant: str, *, anew: bool) -> None:
    """More than there was before is no fault; nobody can authorize what nobody has."""
    require_no_less(OLD, called("crm-2", granted=("a", "b")))
    less = called("crm-2", grant_type=grant, granted=())
    with pytest.raises(click.ClickException) as refusal:
        require_no_less(OLD, less)
    assert "crm-2 was not granted a, which crm has" in refusal.value.message
    assert ("connection authorize crm-2" in refusal.value.message) is anew


class Linked:
    """An API at which somebody agrees by a link, if ever, after so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    async def create_link(self, connection_id: str) -> AuthorizationLink:
        """Make a link."""
        return AuthorizationLink(link="https://keyturn.example/begin", ends_at=AT)

    async def read_oauth_connection(self, connection_id: str) -> OAuthConnection:
        """Show the connection."""
        self.looks -= 1
        return called(connection_id, authorized_at=None if self.looks else AT)


async def test_a_link_is_waited_for_and_not_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    """Until somebody has agreed, or nobody can any more."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    fresh = called("crm-2", authorized_at=None)
    after = await by_link(Linked(3), fresh, sleep)  # type: ignore[arg-type]  # a part of it
    assert (after.authorized_at, len(waited)) == (AT, 3)
    assert "https://keyturn.example/begin" in capsys.readouterr().err
    with pytest.raises(click.ClickException, match="Nobody has answered"):
        await by_link(Linked(-1), fresh, sleep)  # type: ignore[arg-type]  # as above
    assert sum(waited[3:]) == LIMIT_S


# --- at an org ------------------------------------------------------------------------------------


class Desk:
    """What a command has to hand: the API, and a person who agrees when asked."""

    def __init__(self, house: House, api: KeyturnApi) -> None:
        self.house, self.api, self.asked = house, api, 0
        self.told: list[str] = []

    async def consent(self, new: OAuthConnection) -> OAuthConnection:
        """Have the seeded person authorize a connection."""
        self.asked += 1
        await authorize(self.house, {"id": new.id})
        return await self.api.read_oauth_connection(new.id)

    async def plan(self, name: str, registration: str = "crm") -> Replacement:
        """Return what is left to do."""
        every = await self.api.list_oauth_connections(PROJECT)
        known = {one.name: one for one in await self.api.list_registrations(PROJECT)}
        (old,) = [one for one in every if one.name == name]
        return plan_replacement(old, known[registration], every)

    async def replace(self, name: str, registration: str = "crm") -> OAuthConnection:
        """Do what is left to do."""
        plan = await self.plan(name, registration)
        return await take_over(self.api, PROJECT, plan, Helpers(self.consent, self.told.append))

    async def led(self) -> str:
        """Return the name of the connection that the alias leads to."""
        (alias,) = await self.api.list_aliases(PROJECT)
        return alias.connection_name


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give what a command has to hand."""
    async with open_house() as house:
        transport = httpx2.ASGITransport(build_api(house.world, version="0", public_url=PUBLIC_URL))
        token = Token(house.installed.admin_token.reveal())
        async with KeyturnApi(PUBLIC_URL, token, transport=transport) as api:
            yield Desk(house, api)


async def aliased(desk: Desk, one: Body) -> None:
    """Let an alias lead to a connection."""
    await ask(desk.house, "POST", ALIASES, {"name": "billing", "connectionId": one["id"]})


async def people(desk: Desk) -> None:
    """Make a connection that somebody has authorized, and let an alias lead to it."""
    made_with = await register(desk.house, USERS)
    one = await connect(desk.house, made_with, scopes=SCOPES)
    await authorize(desk.house, one)
    await aliased(desk, one)


async def test_another_takes_the_place_and_aliases_lead_there(desk: Desk) -> None:
    """The old one is as it was, and the way back is kept."""
    await people(desk)
    new = await desk.replace("people")
    assert (new.name, new.light, new.aliases) == ("people-2", "healthy", ("billing",))
    (alias,) = await desk.api.list_aliases(PROJECT)
    assert (await desk.api.lead_back(alias.id)).connection_name == "people"
    await desk.api.authorize_request(alias.previous_id or "")
    assert "Alias billing leads to people-2; `keyturn connection alias back billing`" in str(
        desk.told
    )


async def test_whoever_was_interrupted_goes_on(desk: Desk) -> None:
    """Nothing is made twice, nobody is asked twice, and until the end nobody is led away."""
    await people(desk)

    async def nobody(_: OAuthConnection) -> OAuthConnection:
        raise click.ClickException("nobody came")

    plan, helpers = await desk.plan("people"), Helpers(nobody, desk.told.append)
    with pytest.raises(click.ClickException, match="nobody came"):
        await take_over(desk.api, PROJECT, plan, helpers)
    assert await desk.led() == "people"
    await desk.replace("people")
    again = await desk.replace("people")
    assert "Going on with people-2, which is there" in str(desk.told)
    assert (again.name, desk.asked, await desk.led()) == ("people-2", 1, "people-2")
    assert len(await desk.api.list_oauth_connections(PROJECT)) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"granted_scopes": ()}, "was not granted okta.users.read, which people has"),
        ({"grant_types": ("authorization_code",)}, "fails .* nobody was led there"),
    ],
)
async def test_nobody_is_led_to_what_is_less(desk: Desk, change: Body, told: str) -> None:
    """Fewer scopes, or a token that ends without another, stop it."""
    await people(desk)
    worse = replace(USERS, label="Worse", **change)  # type: ignore[arg-type]  # fields of a draft
    await register(desk.house, worse, name="worse")
    with pytest.raises(click.ClickException, match=told):
        await desk.replace("people", "worse")
    assert await desk.led() == "people"


async def test_nobody_is_led_to_what_gives_no_token(desk: Desk) -> None:
    """A secret that its server rejects shows before, and not after."""
    one = await robot(desk.house)
    await aliased(desk, one)
    (known,) = await desk.api.list_registrations(PROJECT)
    wrong = {"connector": "api", "domain": None, "provider": known.provider, "clientSecret": "no"}
    await register(desk.house, replace(ROBOTS, label="Wrong"), name="wrong", **wrong)
    with pytest.raises(ApiError, match="rejects the client's credential"):
        await desk.replace("robot", "wrong")
    assert (await desk.led(), desk.asked) == ("robot", 0)
