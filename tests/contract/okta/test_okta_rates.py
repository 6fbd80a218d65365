"""Okta's rate limit headers are read on every answer and obeyed."""

import httpx2
import pytest
from okta_kit import (
    API_TOKEN,
    APP,
    BASE,
    SECRET,
    VALUE,
    ScriptedOkta,
    app,
    refusal,
    reply,
    secret,
)

from keyturn.adapters.okta.rates import bucket_name
from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import OktaThrottled
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive

DATE = "Fri, 01 May 2026 09:00:00 GMT"
DATE_S = 1_777_626_000
"""Okta's clock, three hours behind ours."""


def rates(limit: int, remaining: int, *, resets_in_s: int) -> dict[str, str]:
    """Render the rate headers."""
    return {
        "date": DATE,
        "x_rate_limit_limit": str(limit),
        "x_rate_limit_remaining": str(remaining),
        "x_rate_limit_reset": str(DATE_S + resets_in_s),
    }


def too_many(**headers: str) -> httpx2.Response:
    """Render Okta's 429."""
    text = "API call exceeded rate limit due to too many requests."
    return refusal(429, "E0000047", text, **headers)


async def retry_after_s(okta: ScriptedOkta, answer: httpx2.Response) -> float:
    """Return what a change learns from this answer."""
    with pytest.raises(OktaThrottled) as caught:
        await okta.script(answer).credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert not caught.value.effect_possible
    return caught.value.retry_after_s


async def test_a_429_waits_for_the_reset_by_okta_own_clock(okta: ScriptedOkta) -> None:
    """The wait is reset minus Date plus one, whatever our clock says."""
    headers = rates(50, 0, resets_in_s=17)
    assert await retry_after_s(okta, too_many(**headers)) == 18


@pytest.mark.parametrize(
    "headers",
    [
        {},
        rates(0, 0, resets_in_s=17),
        rates(50, 0, resets_in_s=-30),
        rates(50, 0, resets_in_s=86_400),
        rates(50, 0, resets_in_s=17) | {"date": "today"},
        rates(50, 0, resets_in_s=17) | {"date": "Wed, 31 Dec 99999999999 23:59:59 GMT"},
        rates(50, 0, resets_in_s=17) | {"x_rate_limit_reset": "soon"},
    ],
)
async def test_a_429_without_sense_waits_a_minute(
    okta: ScriptedOkta, headers: dict[str, str]
) -> None:
    """Missing or absurd headers, as of the limit of concurrent calls, mean one minute."""
    assert await retry_after_s(okta, too_many(**headers)) == 60
    await okta.script(reply(200, [])).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()


async def test_an_html_429_is_throttling(okta: ScriptedOkta) -> None:
    """Whoever on the way says 429 is obeyed."""
    assert await retry_after_s(okta, httpx2.Response(429, html="slow down")) == 60


async def test_a_full_window_spares_the_call(okta: ScriptedOkta) -> None:
    """After the last call of a window none is made until it turns."""
    org = okta.script(reply(200, [], **rates(50, 0, resets_in_s=10)), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    okta.clock.advance(4)
    with pytest.raises(OktaThrottled) as caught:
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert (caught.value.retry_after_s, len(okta.asked), len(okta.journal)) == (7, 1, 1)
    okta.clock.advance(7)
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert len(okta.asked) == 2


async def test_a_window_with_room_spares_nothing(okta: ScriptedOkta) -> None:
    """A call that may succeed is made: the last one of a window for what is needed."""
    listed, activated = reply(200, [], **rates(50, 1, resets_in_s=10)), reply(200, secret())
    org = okta.script(listed, activated)
    secrets = org.credentials_of(APP, CredentialKind.CLIENT_SECRET)
    await secrets.list()
    await secrets.activate(SECRET)


async def test_windows_are_by_org_principal_and_bucket(okta: ScriptedOkta) -> None:
    """One full window stops nobody else."""
    full = reply(200, [], **rates(50, 0, resets_in_s=10))
    org = okta.script(full, reply(200, app()), reply(200, []), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    await org.find_app(APP)
    await (
        okta.open(ApiToken(Sensitive("another-token")))
        .credentials_of(APP, CredentialKind.CLIENT_SECRET)
        .list()
    )
    elsewhere = okta.orgs.open(
        "https://other.test", ApiToken(API_TOKEN), journal=okta.journal.append
    )
    await elsewhere.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    with pytest.raises(OktaThrottled):
        await (
            okta.orgs.open(
                BASE.upper().replace("HTTPS", "https") + ":443/",
                ApiToken(API_TOKEN),
                journal=okta.journal.append,
            )
            .credentials_of(APP, CredentialKind.CLIENT_SECRET)
            .list()
        )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/apps?limit=1", "api/v1/apps"),
        ("/api/v1/apps/0oa1/credentials/secrets/ocs1", "api/v1/apps"),
        ("/api/v1/apps/0oa1", "api/v1/apps/{id}"),
        ("/api/v1/users/me", "api/v1/users"),
        ("/oauth2/v1/token", "oauth2/v1/token"),
    ],
)
def test_bucket_name(path: str, name: str) -> None:
    """All of the apps' paths share a bucket, except the app itself."""
    assert bucket_name(path) == name
