"""A process of its own that wants tokens of one connection, many times at once.

`python refresher.py CONNECTION TIMES` opens the installation of its environment, says that it is
ready, and begins with the next line of its input. It prints the hashes of what it was given.
"""

import asyncio
import hashlib
import json
import sys

from keyturn.bootstrap.opening import opened
from keyturn.domain.errors import NotReady
from keyturn.domain.ids import OAuthConnectionId
from keyturn.services.ports import World
from keyturn.services.renewing import fresh
from keyturn.settings import Settings


async def want(world: World, connection_id: OAuthConnectionId) -> str:
    """Want a token; return its hash, or why there is none."""
    try:
        found = await fresh(world, connection_id)
    except NotReady as refused:
        return f"none: {refused.message}"
    assert found.tokens
    return hashlib.sha256(found.tokens.access.reveal().encode()).hexdigest()


async def main(connection_id: str, times: int) -> None:
    """Want it so many times at once."""
    settings = Settings()  # type: ignore[call-arg]  # of the environment
    async with opened(settings) as world:
        print("ready", flush=True)  # noqa: T201  who started it reads it
        await asyncio.to_thread(sys.stdin.readline)
        wanted = [want(world, OAuthConnectionId(connection_id)) for _ in range(times)]
        print(json.dumps(await asyncio.gather(*wanted)), flush=True)  # noqa: T201  the same


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
