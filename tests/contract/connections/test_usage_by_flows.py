"""Usage tells which flows run on a connection, themselves or by the flows that they run."""

from collections.abc import Sequence

import pytest
from flow_kit import FlowRig, flow_rig
from rig import PLACE

from keyturn.domain.flows.spec import StartKind
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.registration import Scheme
from keyturn.domain.sensitive import Sensitive
from keyturn.services.aliases import create_alias
from keyturn.services.flows import switch_flow
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration
from keyturn.services.usage import FlowUse, usage_of_connection

pytestmark = pytest.mark.anyio

CALL = "cards:\n- {card: api.get, connection: %s, with: {url: 'https://crm.example.com/'}}\n"
BY_HELPER = "cards:\n- {card: flow.call, with: {flow: %s}}\n"
NIGHTLY = 'flow: nightly\nstart: {kind: schedule, cron: "0 2 * * *"}\n'


def helper(name: str) -> str:
    """Return the head of a flow that others run."""
    return f"flow: {name}\nstart: {{kind: helper}}\n"


async def connect(rig: FlowRig) -> str:
    """Create the connection `people` with the alias `crm`; return its id."""
    credential = Credential("user", Sensitive("password"))
    draft = RegistrationDraft("service", PLACE, credential, scheme=Scheme.BASIC)
    made = (await create_registration(rig.world, rig.admin, draft)).registration
    wanted = ConnectionDraft("people", made.id, GrantType.NONE)
    one = (await create_connection(rig.world, rig.admin, wanted)).connection
    await create_alias(rig.world, rig.admin, "crm", one.id)
    return one.id


async def uses(rig: FlowRig, connection_id: str) -> Sequence[FlowUse]:
    """Return what usage tells of flows."""
    (registration,) = (await usage_of_connection(rig.world, rig.admin, connection_id)).registrations
    (one,) = registration.connections
    return one.flows


async def test_flows_are_told_by_what_they_use_a_connection() -> None:
    """By its name, by an alias, and through helpers of helpers; what does not is left out."""
    async with flow_rig() as rig:
        one = await connect(rig)
        await rig.save(CALL % "people", helper("by-name"))
        await rig.save(CALL % "crm", helper("by-alias"))
        await rig.save(BY_HELPER % "by-alias", helper("middle"))
        await rig.save(BY_HELPER % "middle", NIGHTLY)
        await rig.save("cards:\n- {card: flow.return, with: {x: 1}}\n", helper("apart"))
        found = {each.saved.name: tuple(each.through) for each in await uses(rig, one)}
    assert found == {
        "by-name": (),
        "by-alias": (),
        "middle": ("by-alias",),
        "nightly": ("middle",),
    }


async def test_how_a_flow_starts_and_ran_is_told() -> None:
    """Its schedule, whether it is switched on, and its newest run."""
    async with flow_rig() as rig:
        one = await connect(rig)
        view = await rig.save(CALL % "crm", NIGHTLY)
        (before,) = await uses(rig, one)
        assert before.flow.start.kind is StartKind.SCHEDULE
        assert before.saved.next_at
        assert before.last is None
        await switch_flow(rig.world, rig.admin, view.saved.id, enabled=False)
        run = await rig.start(view)
        (after,) = await uses(rig, one)
        assert after.last
        assert (after.saved.enabled, after.last.id) == (False, run.id)
