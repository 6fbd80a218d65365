"""The whole life of a client secret, against the sandbox, in process."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from okta_kit import START

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.errors import OktaRefused, OktaThrottled, OktaUnclear, OktaUnreachable
from keyturn.domain.ids import AppId, ClientId, CredentialId
from keyturn.domain.okta import AuthMethod, CredentialKind, Probe, Status, client_secret_value
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import AppDraft, Fault, Org, build_app
from keyturn.sandbox.state.keys import render_private, render_public
from keyturn.services.ports import OktaCall, OktaOrg
from keyturn.testing import ManualClock, SeededChance

BASE = "https://sandbox.test"
BASIC = AuthMethod.CLIENT_SECRET_BASIC


class Rehearsal:
    """A sandbox and the adapter, under one clock."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.sandbox = Org(1, self.clock.now)
        self.journal: list[OktaCall] = []
        self.chance = SeededChance(1)
        self.orgs = OktaHttpOrgs(
            self.clock,
            self.chance,
            transport=lambda: httpx2.ASGITransport(build_app(self.sandbox)),
        )
        self.app_id = AppId(self.sandbox.seeded.web_app_id)

    def open(self, kind: str) -> OktaOrg:
        """Open the org with an API token, a service app, or one that must use DPoP."""
        return self.orgs.open(BASE, self._credentials(kind), journal=self.journal.append)

    def new_value(self) -> Sensitive:
        """Return a new client secret."""
        return client_secret_value(self.chance.random_bytes(48))

    def _credentials(self, kind: str) -> OktaCredentials:
        if kind == "api token":
            return ApiToken(Sensitive(self.sandbox.seeded.api_token))
        draft = AppDraft(
            "Keyturn",
            auth_method="private_key_jwt",
            application_type="service",
            response_types=("token",),
            jwks=(render_public(self.sandbox.keys.service),),
            granted_scopes=("okta.apps.manage", "okta.apps.read"),
            admin_role="SUPER_ADMIN",
            dpop_bound=kind == "service app with DPoP",
        )
        jwk = json.dumps(render_private(self.sandbox.keys.service))
        return ServiceApp(self.sandbox.create_app(draft).client_id, Sensitive(jwk))


@pytest.fixture
async def rehearsal() -> AsyncIterator[Rehearsal]:
    """Give a fresh sandbox with the adapter to it."""
    rehearsal = Rehearsal()
    yield rehearsal
    await rehearsal.orgs.aclose()


KINDS = ["api token", "service app", "service app with DPoP"]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_life_of_a_client_secret(rehearsal: Rehearsal, kind: str) -> None:
    """Add, probe, deactivate, reactivate, deactivate, delete: each step shows in the next look."""
    org, value = rehearsal.open(kind), rehearsal.new_value()
    await org.check_access()
    app = await org.find_app(rehearsal.app_id)
    assert app is not None
    (old,) = await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).list()
    new = await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).add(value)
    assert (new.value, new.active) == (value, True)
    assert await org.probe(app.client_id, value, app.auth_method) is Probe.ACCEPTED
    await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).deactivate(old.id)
    assert old.value is not None
    assert await org.probe(app.client_id, old.value, app.auth_method) is Probe.REJECTED
    await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).activate(old.id)
    await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).activate(old.id)
    assert all(
        secret.active
        for secret in await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).list()
    )
    await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).deactivate(old.id)
    await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).delete(old.id)
    await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).delete(old.id)
    assert await org.credentials_of(app.id, CredentialKind.CLIENT_SECRET).list() == (new,)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_probe_in_header_and_body(rehearsal: Rehearsal, method: str) -> None:
    """The sandbox accepts a live secret and rejects another, in header or body."""
    value, other = rehearsal.new_value(), rehearsal.new_value()
    draft = AppDraft("App", auth_method=method, secrets=(value.reveal(),))
    client_id = ClientId(rehearsal.sandbox.create_app(draft).client_id)
    org = rehearsal.open("api token")
    assert await org.probe(client_id, value, AuthMethod(method)) is Probe.ACCEPTED
    assert await org.probe(client_id, other, AuthMethod(method)) is Probe.REJECTED


async def test_find_app_by_a_client_id_of_its_own(rehearsal: Rehearsal) -> None:
    """An app is found on a later page by a client id that is not its app id."""
    for number in range(200):
        rehearsal.sandbox.create_app(AppDraft(f"App {number}", secrets=()))
    made = rehearsal.sandbox.create_app(AppDraft("Mine", client_id="my_own_client"))
    app = await rehearsal.open("api token").find_app("my_own_client")
    assert app is not None
    assert (app.id, app.client_id, app.status) == (made.id, "my_own_client", Status.ACTIVE)
    assert await rehearsal.open("api token").find_app("nobody") is None


async def test_a_third_secret_is_refused(rehearsal: Rehearsal) -> None:
    """Okta's limit of two comes through as a refusal that calls for another look."""
    org = rehearsal.open("api token")
    await org.credentials_of(rehearsal.app_id, CredentialKind.CLIENT_SECRET).add(
        rehearsal.new_value()
    )
    with pytest.raises(OktaRefused) as caught:
        await org.credentials_of(rehearsal.app_id, CredentialKind.CLIENT_SECRET).add(
            rehearsal.new_value()
        )
    assert caught.value.answer.worth_another_look


@pytest.mark.parametrize(
    ("kind", "error", "there"),
    [
        ("drop-before-effect", OktaUnreachable, 1),
        ("drop-after-effect", OktaUnreachable, 2),
        ("error-after-effect", OktaUnclear, 2),
        ("truncate", OktaUnclear, 2),
        ("html", OktaUnclear, 1),
    ],
)
async def test_a_lost_answer_says_that_an_effect_is_possible(
    rehearsal: Rehearsal, kind: str, error: type[OktaUnclear | OktaUnreachable], there: int
) -> None:
    """Whether or not the secret was added, the error sends the caller to look."""
    rehearsal.sandbox.add_fault(Fault(kind, method="POST", count=1))  # type: ignore[arg-type]  # one of its kinds
    org = rehearsal.open("api token")
    with pytest.raises(error) as caught:
        await org.credentials_of(rehearsal.app_id, CredentialKind.CLIENT_SECRET).add(
            rehearsal.new_value()
        )
    assert caught.value.effect_possible
    assert (
        len(await org.credentials_of(rehearsal.app_id, CredentialKind.CLIENT_SECRET).list())
        == there
    )


async def test_the_rate_limit_of_a_free_org(rehearsal: Rehearsal) -> None:
    """Seven of ten calls a minute leave room for a change and for safety; then all wait."""
    rehearsal.sandbox.change_settings(profile="free")
    secrets = rehearsal.open("api token").credentials_of(
        rehearsal.app_id, CredentialKind.CLIENT_SECRET
    )
    for _ in range(7):
        listed = await secrets.list()
    with pytest.raises(OktaThrottled) as caught:
        await secrets.list()
    for _ in range(3):
        await secrets.activate(listed[0].id)
    with pytest.raises(OktaThrottled):
        await secrets.activate(listed[0].id)
    assert [call.status for call in rehearsal.journal] == [200] * 10
    rehearsal.clock.advance(caught.value.retry_after_s)
    await secrets.list()


async def test_a_service_app_without_a_role(rehearsal: Rehearsal) -> None:
    """The check of a connection tells of a missing admin role in Okta's words."""
    draft = AppDraft(
        "No role",
        auth_method="private_key_jwt",
        application_type="service",
        response_types=("token",),
        jwks=(render_public(rehearsal.sandbox.keys.service),),
        granted_scopes=("okta.apps.manage", "okta.apps.read"),
    )
    jwk = Sensitive(json.dumps(render_private(rehearsal.sandbox.keys.service)))
    client_id = rehearsal.sandbox.create_app(draft).client_id
    org = rehearsal.orgs.open(BASE, ServiceApp(client_id, jwk), journal=rehearsal.journal.append)
    with pytest.raises(OktaRefused, match="E0000006"):
        await org.check_access()


async def test_an_unknown_secret_of_an_unknown_app(rehearsal: Rehearsal) -> None:
    """A missing app is not taken for a secret that is gone."""
    org = rehearsal.open("api token")
    await org.credentials_of(rehearsal.app_id, CredentialKind.CLIENT_SECRET).delete(
        CredentialId("ocs0")
    )
    with pytest.raises(OktaRefused, match="AppInstance"):
        await org.credentials_of(AppId("0oa0"), CredentialKind.CLIENT_SECRET).delete(
            CredentialId("ocs0")
        )
