"""What hangs on a client secret is drawn from what the house knows of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flow_kit import flow_rig
from picture_kit import by_class, node_boxes, outside, overlapping, read, spilt, titles
from rig import PLACE

from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.consumers import Adoption, Consumer
from keyturn.domain.oauth.health import Health, Light
from keyturn.domain.oauth.registration import Scheme, Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.services.aliases import create_alias
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration
from keyturn.services.usage import RegistrationUse, Usage, usage_of_connection
from keyturn.web.pictures.nodes import Node
from keyturn.web.pictures.tones import Tone
from keyturn.web.pictures.usage_graph import MOST, draw_usage, graph_of

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 12, 14, 5, tzinfo=UTC)
CALL = "cards:\n- {card: api.get, connection: %s, with: {url: 'https://crm.example.com/'}}\n"
BY_HELPER = "cards:\n- {card: flow.call, with: {flow: %s}}\n"


@asynccontextmanager
async def used() -> AsyncIterator[Usage]:
    """Give what hangs on a connection: aliases, flows, and flows that run those."""
    async with flow_rig() as rig:
        credential = Credential("user", Sensitive("password"))
        draft = RegistrationDraft("service", PLACE, credential, scheme=Scheme.BASIC)
        made = (await create_registration(rig.world, rig.admin, draft)).registration
        wanted = ConnectionDraft("people", made.id, GrantType.NONE)
        one = (await create_connection(rig.world, rig.admin, wanted)).connection
        for name in ("crm", "idle"):
            await create_alias(rig.world, rig.admin, name, one.id)
        for name, cards in (("asks", CALL % "crm"), ("above", BY_HELPER % "asks")):
            await rig.save(cards, f"flow: {name}\nstart: {{kind: helper}}\n")
        yield await usage_of_connection(rig.world, rig.admin, one.id)


def registration_of(usage: Usage) -> RegistrationUse:
    """Return the only registration."""
    (one,) = usage.registrations
    return one


def named(usage: Usage) -> dict[str, Node]:
    """Return the nodes by kind and title."""
    return {f"{node.kind.partition(',')[0]} {node.title}": node for node in graph_of(usage)[0]}


async def test_everything_hangs_on_what_it_needs() -> None:
    """A registration on the secret, connections on it, flows on them or on the flows they run."""
    async with used() as usage:
        full = replace(usage, readers=["ci"], destinations=["vault"])
        nodes, edges = graph_of(full)
    called = {node.id: f"{node.kind} {node.title}".strip() for node in nodes}
    ways = {(called[edge.tail], called[edge.head], edge.label) for edge in edges}
    connection = "connection, as crm people"
    assert ways == {
        ("Client secret", "client registration service", ""),
        ("Client secret", "reader ci", ""),
        ("Client secret", "destination vault", ""),
        ("client registration service", connection, ""),
        (connection, "flow asks", ""),
        (connection, "alias idle", ""),
        ("flow asks", "flow above", "run by"),
    }


async def test_each_leads_to_its_page() -> None:
    """By its kind and id, or its name; what has no page is no link."""
    async with used() as usage:
        full = replace(usage, readers=["ci"])
    told = {"connection", "flow", "alias"}
    nodes, _ = graph_of(full, lambda kind, key: f"/{kind}/{key}" if kind in told else "")
    one = registration_of(usage).connections[0]
    assert {node.href for node in nodes} == {
        "",
        f"/connection/{one.connection.id}",
        "/alias/idle",
        *(f"/flow/{each.saved.id}" for each in one.flows),
    }


@pytest.mark.parametrize(
    ("health", "tone", "note"),
    [
        (Health(Light.HEALTHY), "good", "healthy"),
        (Health(Light.UNKNOWN), "idle", "nothing seen of it yet"),
        (Health(Light.AT_RISK, ("It ends.",), NOW), "warn", "Fails 2026-03-12 14:05 UTC. It ends."),
        (Health(Light.BROKEN, ("It is gone.", "And more.")), "bad", "It is gone. And more."),
    ],
)
async def test_a_connection_tells_how_it_does(health: Health, tone: Tone, note: str) -> None:
    """By its light, when it fails, and every reason."""
    async with used() as usage:
        one = registration_of(usage)
    ill = replace(one, connections=[replace(one.connections[0], health=health)])
    node = named(replace(usage, registrations=[ill]))["connection people"]
    assert (node.tone, node.note) == (tone, note)


@pytest.mark.parametrize(
    ("standing", "proved", "tone"),
    [
        (Standing.ACCEPTED, 4, "good"),
        (Standing.UNPROVED, 4, "good"),
        (Standing.UNPROVED, 3, "warn"),
        (Standing.UNPROVED, 0, "idle"),
        (Standing.REJECTED, 4, "bad"),
    ],
)
async def test_a_registration_tells_whether_its_secret_is_proved(
    standing: Standing, proved: int, tone: Tone
) -> None:
    """The version that is served now, not an earlier one."""
    async with used() as usage:
        one = registration_of(usage)
    changed = replace(one.view.registration, standing=standing, proved_version=proved)
    shown = replace(one, view=replace(one.view, registration=changed, version=4))
    node = named(replace(usage, registrations=[shown]))["client registration service"]
    assert node.tone == tone
    assert "version 4" in node.note


async def test_a_registration_whose_secret_is_dead_is_no_proved_one() -> None:
    """What is known here outruns what its server said last."""
    async with used() as usage:
        one = registration_of(usage)
    proved = replace(one.view.registration, standing=Standing.ACCEPTED, proved_version=4)
    view = replace(one.view, registration=proved, version=4)
    shown = replace(one, view=view, health=Health(Light.BROKEN, ("It is gone.",)))
    node = named(replace(usage, registrations=[shown]))["client registration service"]
    assert (node.tone, node.note) == ("bad", "It is gone.")


@pytest.mark.parametrize(
    ("confirmed", "required", "tone"),
    [(4, True, "good"), (3, True, "warn"), (3, False, "idle"), (0, True, "warn")],
)
async def test_a_consumer_tells_which_version_it_uses(
    confirmed: int, *, required: bool, tone: Tone
) -> None:
    """One that a turn waits for stands out."""
    async with used() as usage:
        one = registration_of(usage)
    made = Consumer(
        "c1",  # type: ignore[arg-type]
        one.view.registration.id,
        "payroll",
        Adoption.RESTART,
        NOW,
        required=required,
        confirmed=confirmed,
    )
    shown = replace(one, consumers=[made], view=replace(one.view, version=4))
    node = named(replace(usage, registrations=[shown]))["consumer payroll"]
    assert node.tone == tone
    assert (f"version {confirmed}" in node.note) is bool(confirmed)


async def test_a_flow_that_is_switched_off_says_so() -> None:
    """Whatever its last run was."""
    async with used() as usage:
        one = registration_of(usage)
        (people,) = one.connections
    off = [replace(each, saved=replace(each.saved, enabled=False)) for each in people.flows]
    shown = replace(one, connections=[replace(people, flows=off)])
    nodes = named(replace(usage, registrations=[shown]))
    assert {nodes[f"flow {name}"].note for name in ("asks", "above")} == {"switched off"}
    assert named(usage)["flow asks"].note == "has not run yet"


async def test_of_too_many_the_ones_in_trouble_stay() -> None:
    """And it says how many more there are."""
    async with used() as usage:
        one = registration_of(usage)
        (people,) = one.connections
    many = [
        replace(
            people,
            connection=replace(people.connection, id=f"c{at}", name=f"c{at}"),  # type: ignore[arg-type]
            health=Health(Light.BROKEN if at >= 30 else Light.HEALTHY),
            flows=(),
            aliases=(),
        )
        for at in range(32)
    ]
    shown = replace(usage, registrations=[replace(one, connections=many)])
    titles = [node.title for node in graph_of(shown)[0] if node.kind.startswith("connection")]
    assert titles == [*(f"c{at}" for at in range(MOST - 2)), "c30", "c31", f"{32 - MOST} more"]
    readers = replace(usage, readers=[f"r{at}" for at in range(MOST + 1)])
    assert "1 more" in [node.title for node in graph_of(readers)[0]]


async def test_flows_that_are_left_out_bring_nothing_along() -> None:
    """Nor do the flows that run them stand there alone."""
    async with used() as usage:
        one = registration_of(usage)
        (people,) = one.connections
        asks, above = people.flows
    saved = [replace(asks.saved, id=f"f{at}", name=f"f{at}") for at in range(MOST + 1)]  # type: ignore[arg-type]
    flows = [*(replace(asks, saved=each) for each in saved), replace(above, through=[f"f{MOST}"])]
    shown = replace(one, connections=[replace(people, flows=flows)])
    nodes = named(replace(usage, registrations=[shown]))
    assert "flow above" not in nodes
    assert "flows 1 more" in nodes


async def test_registrations_that_are_left_out_bring_nothing_along() -> None:
    """What hangs on them is left out, too."""
    async with used() as usage:
        one = registration_of(usage)
    many = [
        replace(
            one,
            view=replace(
                one.view,
                registration=replace(one.view.registration, id=f"g{at}"),  # type: ignore[arg-type]
            ),
        )
        for at in range(MOST + 3)
    ]
    root = read(draw_usage("u", replace(usage, registrations=many)))
    kinds = [each.text for each in by_class(root, "pic-kind")]
    assert kinds.count("client registrations") == 2  # in the graph and in the outline


@pytest.mark.parametrize("hostile", ["people", "<script>alert(1)</script>"])
async def test_it_is_drawn_whole_twice(hostile: str) -> None:
    """As a graph and as an outline, with ids of their own, whatever a name is."""
    async with used() as usage:
        full = replace(usage, readers=[hostile], destinations=["vault"])
    root = read(draw_usage("u", full, href=lambda kind, _: f"/{kind}"))
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len({*ids})
    for part in ("pic-wide", "pic-narrow"):
        (shown,) = by_class(root, part)
        assert not overlapping(node_boxes(shown))
        assert not spilt(shown)
        assert not outside(shown)
        assert f"reader {hostile}" in titles(shown)


async def test_without_a_rotation_the_secret_is_drawn() -> None:
    """With the warning that nobody turns it; the same where nothing hangs on it."""
    (node,) = graph_of(Usage(None, []))[0]
    assert (node.title, node.tone, node.note) == ("Client secret", "warn", "No rotation keeps it")
    assert read(draw_usage("u", Usage(None, [])))
