"""Serve like `keyturn serve`, and die by SIGKILL where a plan says so.

Usage: server.py URL_FILE [PHASE MOMENT]. Settings come from the environment.
"""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Literal, cast

from keyturn.bootstrap.opening import Outside
from keyturn.bootstrap.serving import serving
from keyturn.domain.turn import Phase
from keyturn.services.ports import Store
from keyturn.settings import Settings
from keyturn.testing import CrashingStore, CrashPlan


def crashing(plan: CrashPlan, store: Store) -> Store:
    """Wrap the store so that this process is killed by the plan."""
    return CrashingStore(store, plan, partial(os.kill, os.getpid(), signal.SIGKILL))


async def serve(url_file: Path, outside: Outside) -> None:
    """Serve until the process is ended."""
    async with serving(Settings(), outside) as url:
        url_file.with_suffix(".new").write_text(url)
        url_file.with_suffix(".new").rename(url_file)
        await asyncio.Event().wait()


if __name__ == "__main__":
    outside = Outside()
    if len(sys.argv) > 2:
        moment = cast(Literal["before", "after"], sys.argv[3])
        outside = Outside(wrap_store=partial(crashing, CrashPlan(Phase(sys.argv[2]), moment)))
    asyncio.run(serve(Path(sys.argv[1]), outside))
