"""What a plan says of Okta: every call that there may be, and when by the allowed rate."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from fleet_file_kit import ROTATION, apply, plan, stocked
from kinds_kit import DRAFTS
from rig import ORG_URL, START, Rig

from keyturn.domain.budget import Window
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.fleet_files import FleetOrder, FleetPlan, plan_fleet
from keyturn.services.ports import OktaOrgs

TYPES = {
    CredentialKind.CLIENT_SECRET: AppDraft("bare", secrets=()),
    CredentialKind.CLIENT_KEY: DRAFTS[CredentialKind.CLIENT_KEY],
    CredentialKind.API_SERVICE_SECRET: DRAFTS[CredentialKind.API_SERVICE_SECRET],
}
CONNECTION = f"""
version: 1
connections:
  - {{name: second, instanceUrl: "{ORG_URL}", METHOD, credential: "env:SECRET"}}
"""


def planned_calls(planned: FleetPlan) -> Sequence[str]:
    """Return every call of a plan."""
    return [f"{call.method} {call.path}" for cost in planned.costs for call in cost.calls]


def made(rig: Rig) -> Sequence[str]:
    """Return every call that the org has received since this was last asked, ids left out."""
    routes = ((each["method"], each["route"]) for each in rig.calls())
    return [f"{method} {re.sub('{.*?}', '{appId}', route)}" for method, route in routes]


@pytest.mark.parametrize("kind", TYPES)
async def test_each_call_is_told_that_takes_an_app_over(rig: Rig, kind: CredentialKind) -> None:
    """In order, where a first credential is added: that is as many as there may be."""
    app = rig.org.create_app(TYPES[kind])
    text = ROTATION.replace("0oa1", f"{app.id}\n    type: {kind}")
    planned, _ = await plan(rig, text), rig.calls()
    assert (await apply(rig, text)).failed == []
    assert planned_calls(planned) == made(rig)


async def test_fewer_calls_are_made_where_a_secret_can_be_served(rig: Rig) -> None:
    """None that was not told, in the same order; which app it is about is told as well."""
    text = await stocked(rig)
    planned, _ = await plan(rig, text), rig.calls()
    await apply(rig, text)
    left = iter(planned_calls(planned))
    assert all(call in left for call in made(rig))
    told = {each.app: (each.label, each.org, len(each.calls)) for each in planned.costs}
    by_label = {label: rest for label, *rest in told.values() if label}
    assert by_label["app-00000"] == [ORG_URL, 6]
    seconds = [call.at_s for cost in planned.costs for call in cost.calls]
    assert seconds == sorted(seconds)
    assert planned.lasts_s == seconds[-1] > 0


@pytest.mark.parametrize("method", ["api-token", "oauth-service-app"])
async def test_each_call_is_told_that_proves_a_connection(rig: Rig, method: str) -> None:
    """Of a new one, and of one whose credential is sent elsewhere; of a description none."""
    told = rig.org.credentials()
    client_id, key = told["service_client_id"], json.dumps(told["service_private_jwk"])
    secret, of_app = rig.org.seeded.api_token, ""
    if method == "oauth-service-app":
        secret, of_app = key, f", clientId: {client_id}"
    text = CONNECTION.replace("METHOD", f"method: {method}{of_app}")
    given = {"credentials": {"env:SECRET": Sensitive(secret)}}
    planned, _ = await plan(rig, text), rig.calls()
    assert (await apply(rig, text, **given)).failed == []
    assert planned_calls(planned) == made(rig) != []
    described = text.replace("credential:", "description: Ours, credential:")
    assert planned_calls(await plan(rig, described)) == []
    other = CONNECTION.replace("METHOD", "method: api-token")
    if method == "oauth-service-app":
        assert planned_calls(await plan(rig, other)) == ["GET /api/v1/users/me", "GET /api/v1/apps"]


class Telling:
    """The ways to Okta, where an answer has told this rate limit last."""

    def __init__(self, okta: OktaOrgs, limit: int) -> None:
        self._okta = okta
        self._limit = limit

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever they have
        return getattr(self._okta, name)

    async def list_windows(self) -> list[Window]:
        """List this window, one that is wider, and one that has nothing to do with apps."""
        told = ("/api/v1/apps", self._limit), ("/api/v1/apps/{id}", 9000), ("/api/v1/logs", 1)
        return [Window(ORG_URL, "me", *each, remaining=1, resets_at=START) for each in told]


async def test_how_long_it_takes_is_told_by_the_rate_that_okta_allows(rig: Rig) -> None:
    """By what its answers have told last, less what is kept for others."""
    text, lasts = ROTATION.replace("0oa1", rig.app_id), []
    for limit in (50, 500):
        okta: Any = Telling(rig.world.okta, limit)
        planned = await plan_fleet(replace(rig.world, okta=okta), rig.admin, FleetOrder(text))
        assert planned.calls == 6
        lasts.append(planned.lasts_s)
    assert lasts == [4, 0]
