"""A nursery whose servers are broken on purpose.

Usage: broken_nursery.py NAME
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "kits"))

from broken_products import sends_another_value, trusts_every_secret

from keyturn.adapters.system.logs import log_to
from keyturn.bootstrap.opening import Outside
from keyturn.bootstrap.serving import serving
from keyturn.cli.rehearsal.nursery import nurse
from keyturn.cli.simulation.stage import Sabotage
from keyturn.network.guard import GuardedBackend, GuardedTransport
from keyturn.settings import Settings


def bent(sabotage: Sabotage) -> Outside:
    """Bend the way to Okta."""
    backend = GuardedBackend(private_allowed=True)
    return Outside(okta_transport=lambda: sabotage.way(GuardedTransport(backend, ca_file=None)))


PRODUCTS = {
    "serves before Okta accepts": trusts_every_secret,
    "sends what it has not stored": sends_another_value,
}


async def serve(outside: Outside) -> None:
    """Serve until this process is killed."""
    settings = Settings()
    log_to(settings.log_file, settings.log_level)
    async with serving(settings, outside) as url:
        print(url, flush=True)  # noqa: T201  what the rehearsal waits for
        await asyncio.Event().wait()


def command(words: Sequence[str]) -> None:
    """Run the one command that there is."""
    assert list(words) == ["serve"]
    asyncio.run(serve(bent(PRODUCTS[sys.argv[1]])))


if __name__ == "__main__":
    nurse(command)
