"""A showcase, served: an org in a box and the product, in one process, with a past of their own.

Decides what is made anew and what is found. What happened in the past is the story's business.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from keyturn.adapters.system import SystemChance
from keyturn.bootstrap.opening import Outside, opened
from keyturn.bootstrap.sandboxed import OrgClock, OrgControls, settle
from keyturn.bootstrap.serving import serving
from keyturn.cli.showcase.cast import CALLBACKS
from keyturn.cli.showcase.directory import keep_org, saving
from keyturn.cli.showcase.history import live_through
from keyturn.cli.showcase.okta_log_in import offering
from keyturn.cli.showcase.stage import set_up
from keyturn.cli.showcase.story import LENGTH, begin, story
from keyturn.cli.showcase.welcome import LogIn, welcome
from keyturn.domain.oauth.redirects import callback_uri
from keyturn.sandbox import Org, Ready, SandboxConfig, VirtualClock
from keyturn.sandbox import serving as serving_org
from keyturn.settings import Settings
from keyturn.testing import ManualClock
from keyturn.web.pages.log_in_okta import CALLBACK

Tell = Callable[[str], None]

ANY_PORTS: Final = SandboxConfig(http_port=0, https_port=0, control_port=0)
LEAPS: Final = 5
"""How often it is told how far the past has come."""


@dataclass(frozen=True)
class Showcase:
    """What is served, and by what one gets in."""

    url: str
    org: Ready
    log_in: LogIn = field(repr=False)


@asynccontextmanager
async def showing(
    settings: Settings, found: SandboxConfig | None, tell: Tell
) -> AsyncIterator[Showcase]:
    """Serve the showcase in the data directory; where none was ``found``, make it first."""
    async with serving_org(found or ANY_PORTS) as ready:
        if found is None:
            await _make(settings, ready, tell)
        _let_browsers_back(ready.org, settings.public_url)
        settings = offering(settings, ready.org, ready.http_url)
        outside = Outside(clock=OrgClock(ready.org), sandbox=OrgControls(ready))
        async with opened(settings, outside) as world:
            log_in = await welcome(world)
        async with saving(settings, ready), serving(settings, outside) as url:
            yield Showcase(url, ready, log_in)


async def _make(settings: Settings, ready: Ready, tell: Tell) -> None:
    """Let the past happen, by a clock that ends at the machine's, and keep what came of it."""
    key, end = SystemChance().random_bytes(32), datetime.now(UTC)
    clock, org = ManualClock(end - LENGTH), ready.org
    marks = [end - LENGTH * n / LEAPS for n in range(LEAPS)]

    def hear(at: datetime) -> None:
        while marks and marks[-1] <= at:
            tell(f"  … {marks.pop():%d %B %Y}")

    tell(f"Living through {LENGTH.days} days of an org and its secrets")
    org.clock = VirtualClock(clock.now)
    org.reset(0)  # it began when it was served
    async with set_up(org, ready.http_url, clock, key, settings) as stage:
        await begin(stage)
        await live_through(stage, story(end), end, hear)
        await settle(settings, key, stage.store.backup())
    org.clock = VirtualClock()
    keep_org(settings, ready)


def _let_browsers_back(org: Org, public_url: str) -> None:
    """Let log-ins return to wherever the server is now."""
    ours = (*CALLBACKS, callback_uri(public_url), f"{public_url}{CALLBACK}")
    for app in org.list_apps():
        if CALLBACKS[0] in app.redirect_uris and not {*ours} <= {*app.redirect_uris}:
            org.store_app(replace(app, redirect_uris=ours))
