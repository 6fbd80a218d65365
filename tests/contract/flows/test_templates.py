"""Each template does what it says, against the sandbox; judged by the org."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from cards_kit import DEVICES, ORG_URL, Workshop, workshop, workshop_at_the_org
from echo_kit import jwk
from joserfc.jwk import RSAKey
from template_kit import TEMPLATES, inputs, returned, walk_template

from keyturn.domain.flows.checking import Known, check
from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.formatting import format_flow
from keyturn.domain.flows.reading import read_flow
from keyturn.sandbox import Keys
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App

KEY = Keys.of_seed(7).service.private_key
SECRET = "/okta/SIGNING_KEY"
DAY_S = 86_400
INVOKE = "okta.workflows.invoke.manage"
KNOWN = Known({"okta": "okta", "okta-devices": "okta-devices"}, {SECRET}, TEMPLATES.keys())


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have an org be the service that flows ask, and a service app's key as a secret."""
    async with workshop_at_the_org() as made:
        made.secrets[SECRET] = jwk(KEY, "k1")
        yield made


def service(it: Workshop, *, dpop: bool = False) -> App:
    """Make a service app that may invoke flows, by its key."""
    public: Any = RSAKey.import_key(KEY.public_key()).as_dict() | {"kid": "k1", "use": "sig"}
    draft = AppDraft(
        "service",
        application_type="service",
        auth_method="private_key_jwt",
        grant_types=("client_credentials",),
        response_types=("token",),
        jwks=(public,),
        granted_scopes=(INVOKE,),
    )
    return it.rig.org.create_app(replace(draft, dpop_bound=dpop))


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_each_is_as_a_file_has_to_be(name: str) -> None:
    """It is called as its file is, is in its canonical form, and nothing in it is doubtful."""
    text = TEMPLATES[name]
    assert read_flow(text).name == name
    assert [str(each) for each in check(text, KNOWN)] == []
    assert format_flow(text) == text


async def test_issue_token(it: Workshop) -> None:
    """The org takes the assertion; the token is in no step that is written down."""
    app = service(it)
    given = inputs(issuer=ORG_URL, client_id=app.client_id, key_id="k1", scope=INVOKE)
    told = await returned(it, "issue-token", given)
    assert (told["token_type"], told["scope"]) == ("Bearer", INVOKE)
    written = json.dumps([[step.inputs, step.outputs, step.error] for step in it.steps])
    assert told["access_token"] not in written


async def test_issue_token_for_an_app_that_asks_for_possession(it: Workshop) -> None:
    """A flow has no key of its own to prove: a connection does that, and the org says so here."""
    app = service(it, dpop=True)
    given = inputs(issuer=ORG_URL, client_id=app.client_id, key_id="k1", scope=INVOKE)
    end = await walk_template(it, "issue-token", given)
    assert end.failure
    assert (end.failure.kind, end.failure.status) == (Failure.HTTP, 400)
    assert isinstance(end.failure.body, dict)
    assert end.failure.body["error"] == "invalid_dpop_proof"


async def test_invoke_secured_gets_its_token_by_the_other(it: Workshop) -> None:
    """The org has issued the token, and says where it is shown that it is not for this."""
    app, user = service(it), f"{ORG_URL}/oauth2/v1/userinfo"
    given = inputs(url=user, issuer=ORG_URL, client_id=app.client_id, key_id="k1")
    end = await walk_template(it, "invoke-secured", given)
    assert end.failure
    assert (end.failure.kind, end.failure.status) == (Failure.SCOPE, 403)
    assert end.failure.card == "answer"
    assert [step.card for step in it.steps].count("jwt.sign") == 1


async def test_secured_greets_by_name(it: Workshop) -> None:
    """Or the world, where it is given none."""
    assert await returned(it, "secured", {"query": {"name": "Ada"}}) == {"greeting": "Hello Ada!"}
    assert await returned(it, "secured", {"query": {}}) == {"greeting": "Hello world!"}


async def test_suspend_device(it: Workshop) -> None:
    """The device is suspended at the org; a second time changes nothing."""
    await it.connect("okta-devices", it.app(*DEVICES))
    device = next(each.id for each in it.rig.org.devices.list() if each.status == "ACTIVE")
    for before in ("ACTIVE", "SUSPENDED"):
        told = await returned(it, "suspend-device", inputs(device=device))
        assert told == {"before": before, "after": "SUSPENDED"}
        assert it.rig.org.devices.read(device).status == "SUSPENDED"


async def test_rotate_by_flow() -> None:
    """The old secret is gone at the org when the flow reports."""
    async with workshop() as it:
        await it.rig.rotation()
        before = it.rig.living()
        told = await returned(it, "rotate-by-flow", inputs(rotation="my-okta-rotation"))
        assert (told["phase"], told["served"]) == ("finished", True)
        (left,) = it.rig.living()
        assert left["id"] not in {each["id"] for each in before}


async def test_unused_apps(it: Workshop) -> None:
    """Those that nobody touched for 90 days are told, and an app of today is not."""
    old = {app.id for app in it.rig.org.list_apps()}
    it.rig.clock.advance(91 * DAY_S)
    await it.connect("okta", it.app("okta.apps.read"), "okta")
    told = await returned(it, "unused-apps", {"time": ""})
    assert {each["id"] for each in told["apps"]} == old
    assert told["count"] == len(old)


async def test_offboard_devices(it: Workshop) -> None:
    """The devices of the event's user are deactivated, and nobody else's."""
    await it.connect("okta", it.app("okta.users.read"), "okta")
    await it.connect("okta-devices", it.app(*DEVICES))
    before = {each.id: each.status for each in it.rig.org.devices.list()}
    user = it.rig.org.seeded.user_id
    event: Any = {"target": [{"type": "AppUser", "id": "x"}, {"type": "User", "id": user}]}
    told = await returned(it, "offboard-devices", {"event": event})
    assert (told["user"], told["failed"]) == (user, 0)
    gone = dict.fromkeys(told["deactivated"], "DEACTIVATED")
    assert gone
    assert {each.id: each.status for each in it.rig.org.devices.list()} == before | gone


async def test_token_health(it: Workshop) -> None:
    """All is well with both connections; when their grants are over the run fails and says so."""
    await it.connect("okta", it.app("okta.users.read"), "okta")
    await it.connect("okta-devices", it.app(*DEVICES))
    assert await returned(it, "token-health", {"time": ""}) == {"asked": 2}
    it.rig.clock.advance(91 * DAY_S)
    end = await walk_template(it, "token-health", {"time": ""})
    assert end.failure
    assert end.failure.kind is Failure.USER
    assert "no longer valid" in end.failure.message
